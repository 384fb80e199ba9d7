import { printable } from "../host/quoted.ts";
import { EnvelopeError } from "../host/errors.ts";

/**
 * Where a reader starts: with everything retained, with what comes from now on, at a log position
 * (inclusive), or at a moment (milliseconds since the epoch or a `Date`; when the log stored the event).
 */
export type StartFrom =
  | "beginning"
  | "now"
  | { readonly position: number }
  | { readonly time: Date | number };

/** Below this a time is taken for seconds: 1e11 ms is March 1973. */
const SECONDS_BELOW = 1e11;

/**
 * Reads a moment given as a `Date` or as milliseconds since the epoch.
 *
 * @throws EnvelopeError `INVALID_TIME`; a number below 1e11 "looks like seconds"
 * @example toMillis(new Date("2026-01-01")) // 1767225600000
 */
export function toMillis(value: Date | number, name = "time"): number {
  const millis = value instanceof Date ? value.getTime() : value;
  if (typeof millis !== "number" || !Number.isFinite(millis)) {
    throw new EnvelopeError(
      "INVALID_TIME",
      `"${name}" is ${printable(value, 60)}. Give a Date or milliseconds since the epoch.`,
    );
  }
  if (millis < SECONDS_BELOW && !(value instanceof Date)) {
    throw new EnvelopeError(
      "INVALID_TIME",
      `"${name}" is ${millis}, which looks like seconds; give milliseconds (${millis * 1000}) or a Date.`,
    );
  }
  return millis;
}

/**
 * Checks a start and reads its time, so that callers compare numbers only.
 *
 * @throws EnvelopeError `INVALID_START` or `INVALID_TIME`
 */
export function parseStartFrom(
  from: StartFrom,
): "beginning" | "now" | { readonly position: number } | { readonly time: number } {
  if (from === "beginning" || from === "now") return from;
  if (typeof from === "object" && from !== null) {
    if ("time" in from) return { time: toMillis(from.time, "from.time") };
    if ("position" in from && Number.isSafeInteger(from.position) && from.position >= 0) {
      return { position: from.position };
    }
  }
  throw new EnvelopeError(
    "INVALID_START",
    `"from" is ${JSON.stringify(from)}. Give "beginning", "now", { position } (an integer from 0) or { time }.`,
  );
}
