import { inspect } from "node:util";
import { reportQueueError } from "./queue-errors.ts";

/** An error that crosses a process, as data. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string | undefined;
  readonly cause?: ErrorData | undefined;
}

const MAX_TEXT = 2_000;
const MAX_STACK = 8_000;
const MAX_CAUSES = 4;

/** How much of an error is kept. */
export interface ErrorDataOptions {
  /** Also what its causes say, and what is in something thrown that is no error. @default true */
  readonly details?: boolean;
}

/**
 * Turns whatever a handler threw into data that can be stored: texts are cut (2,000 characters, a stack at
 * 8,000), at most four causes are kept, and what isn't an Error is described. Never throws.
 *
 * @example toErrorData(new TypeError("x is not a function")).name // "TypeError"
 */
export function toErrorData(error: unknown, { details = true }: ErrorDataOptions = {}): ErrorData {
  try {
    return details ? convert(error, 0) : summarize(error, 0);
  } catch {
    return UNREADABLE;
  }
}

/** As data, as much of it as a queue's `redactError` keeps; without one, as much as says what failed and where. */
export function storedError(error: unknown, redact: RedactError | undefined): ErrorData {
  if (redact === undefined) return toErrorData(error, { details: false });
  const kept = redacted(toErrorData(error), redact);
  // By its code: to be tried again or not is not the hook's to say.
  return isPermanent(error) ? { ...kept, code: "PERMANENT" } : kept;
}

function redacted(error: ErrorData, redact: RedactError): ErrorData {
  try {
    return toErrorData(redact(error));
  } catch (cause) {
    reportQueueError(cause, 'Option "redactError"');
    return { name: error.name, message: 'Not kept: the queue\'s option "redactError" threw.' };
  }
}

/** Says what is kept of an error. */
export type RedactError = (error: ErrorData) => ErrorData;

const UNREADABLE: ErrorData = { name: "Error", message: "An error that could not be read." };
const NOT_KEPT = 'Not kept: see the queue\'s option "redactError".';

/** Without what others than the handler may have put into it: requests with their headers, addresses with passwords. */
function summarize(error: unknown, depth: number): ErrorData {
  if (
    !isErrorLike(error) &&
    (typeof error === "object" || typeof error === "function") &&
    error !== null
  ) {
    return { name: "Error", message: `What was thrown is no Error. ${NOT_KEPT}` };
  }
  const data = convert(error, MAX_CAUSES);
  const cause = isErrorLike(error) && "cause" in error ? error.cause : undefined;
  const causes = cause !== undefined && depth < MAX_CAUSES && summarize(cause, depth + 1);
  if (depth === 0) return { ...data, ...(causes && { cause: causes }) };
  const { name, code } = data;
  return { name, message: NOT_KEPT, ...(code && { code }), ...(causes && { cause: causes }) };
}

function convert(error: unknown, depth: number): ErrorData {
  if (!isErrorLike(error)) return { name: "Error", message: describe(error) };
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

/** Also one of another realm, or one that came as data. */
function isErrorLike(value: unknown): value is { readonly message: string } {
  if (value instanceof Error) return true;
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
