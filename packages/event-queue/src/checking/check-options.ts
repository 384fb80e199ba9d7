import { QueueError } from "../failures/errors.ts";
import { nearestName } from "./nearest-name.ts";
import { warnIfSeconds } from "./seconds.ts";

/** Options that other queues have: asking for one is no typing mistake. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  priority: "Queues have no priorities: use two groups or two types.",
};

/**
 * Refuses options that don't exist: a misspelt `maxAttemps` would otherwise be a silent default.
 *
 * @throws QueueError `INVALID_OPTION`, or `UNSUPPORTED` for what other queues have
 */
export function checkOptionNames(
  where: string,
  options: object | undefined,
  known: ReadonlySet<string>,
): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw invalidOption(`Options of ${where} are ${show(options)}. Give an object.`);
  }
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue;
    const instead = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
    if (instead !== undefined) {
      throw new QueueError(
        "UNSUPPORTED",
        `${instead} Leave "${name}" out of the options of ${where}.`,
      );
    }
    const meant = nearestName(name, known);
    throw invalidOption(
      meant === undefined
        ? `${where} has no option "${name}". It has: ${[...known].join(", ")}.`
        : `${where} has no option "${name}". Did you mean "${meant}"?`,
    );
  }
}

/** What a numeric option may be. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** @default true */
  readonly integer?: boolean;
}

/**
 * Checks a numeric option and returns it.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkNumber(name: string, value: unknown, range: NumberRange): number {
  const integer = range.integer ?? true;
  if (
    typeof value !== "number" ||
    !Number.isFinite(value) ||
    value < range.min ||
    value > range.max ||
    (integer && !Number.isInteger(value))
  ) {
    throw invalidOption(
      `Option "${name}" is ${show(value)}. Give ${integer ? "an integer" : "a number"} from ${range.min} to ${range.max}.`,
    );
  }
  return value;
}

/** 100 days: longer waits are a mistake, and what is shorter fits every backend's clock. */
export const LONGEST_MS = 8_640_000_000;

/**
 * Checks an option in milliseconds and returns it. Warns of one that looks like seconds.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkMs(name: string, value: unknown, min = 0): number {
  const ms = checkNumber(name, value, { min, max: LONGEST_MS });
  warnIfSeconds(name, ms);
  return ms;
}

/**
 * Checks a text option: not empty, at most 512 characters, well-formed.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkText(name: string, value: unknown, maxLength = 512): string {
  if (
    typeof value !== "string" ||
    value === "" ||
    value.length > maxLength ||
    !value.isWellFormed()
  ) {
    throw invalidOption(
      `Option "${name}" is ${show(value)}. Give a well-formed string of 1 to ${maxLength} characters, or leave it out.`,
    );
  }
  return value;
}

/**
 * Checks an optional whole number from 1 to `max`.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkCount(
  name: string,
  value: unknown,
  max: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  return value === undefined ? undefined : checkNumber(name, value, { min: 1, max });
}

/** An `INVALID_OPTION` error. */
export function invalidOption(message: string): QueueError {
  return new QueueError("INVALID_OPTION", message);
}

/** Shows an offending value in a message: quoted, and short. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    return value.length > 60
      ? `"${value.slice(0, 60)}…" (${value.length} characters)`
      : `"${value}"`;
  }
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
