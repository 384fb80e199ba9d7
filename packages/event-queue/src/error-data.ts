import { inspect } from "node:util";

/** An error that crosses a process, as data. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorData;
}

const MAX_TEXT = 2_000;
const MAX_STACK = 8_000;
const MAX_CAUSES = 4;

/**
 * Turns whatever a handler threw into data that can be stored: texts are cut (2,000 characters, a stack at
 * 8,000), at most four causes are kept, and what isn't an Error is described. Never throws.
 *
 * @example toErrorData(new TypeError("x is not a function")).name // "TypeError"
 */
export function toErrorData(error: unknown): ErrorData {
  try {
    return convert(error, 0);
  } catch {
    return { name: "Error", message: "An error that could not be read." };
  }
}

function convert(error: unknown, depth: number): ErrorData {
  if (!(error instanceof Error) && !isErrorLike(error)) {
    return { name: "Error", message: describe(error) };
  }
  const code: unknown = "code" in error ? error.code : undefined;
  const cause: unknown = "cause" in error ? error.cause : undefined;
  const stack: unknown = "stack" in error ? error.stack : undefined;
  const name: unknown = "name" in error ? error.name : undefined;
  return {
    name: typeof name === "string" && name !== "" ? cut(name, 128) : "Error",
    message: cut(error.message, MAX_TEXT),
    ...((typeof code === "string" || typeof code === "number") && { code: cut(String(code), 128) }),
    ...(typeof stack === "string" && { stack: cut(stack, MAX_STACK) }),
    ...(cause !== undefined && depth < MAX_CAUSES && { cause: convert(cause, depth + 1) }),
  };
}

/** An error of another realm, or one that came as data. */
function isErrorLike(value: unknown): value is { readonly message: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "message" in value &&
    typeof value.message === "string"
  );
}

function describe(value: unknown): string {
  if (value === undefined) return "No reason was given.";
  if (typeof value === "string") return cut(value, MAX_TEXT);
  return cut(inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY }), MAX_TEXT);
}

function cut(text: string, length: number): string {
  const whole = text.toWellFormed();
  return whole.length <= length ? whole : `${whole.slice(0, length - 1).toWellFormed()}…`;
}

/** Whether a failure says that trying again is useless: a `PermanentError`, or anything with its code. */
export function isPermanent(reason: unknown): boolean {
  return (
    typeof reason === "object" && reason !== null && "code" in reason && reason.code === "PERMANENT"
  );
}
