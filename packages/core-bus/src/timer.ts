import { EventBusError } from "./errors.ts";

/** What a timer can wait at most: 24.8 days. */
export const LONGEST_MS: number = 2 ** 31 - 1;

/** Calls `fn` once after `ms`; returns what cancels it. Does not keep the process alive. */
export function startTimer(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, ms);
  // In browsers a timer is a number.
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer);
}

/** Checks an option that is a time to wait. */
export function checkTimeout(value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= LONGEST_MS)) return;
  throw new EventBusError(
    "INVALID_OPTION",
    `Option "timeoutMs" is "${String(value)}". Give milliseconds from 0 to ${LONGEST_MS}, or leave it out to wait without limit.`,
  );
}
