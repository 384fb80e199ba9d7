import { quoted } from "@ringrift/envelope";
import { StageEventsError } from "../errors.ts";

const LONGEST = 2 ** 31 - 1;

/** A limit to a wait. `elapsed` resolves to true when it is over, and without a limit never. */
export interface Timeout {
  readonly elapsed: Promise<true>;
  cancel(): void;
}

/**
 * Starts a limit, which keeps the process alive: somebody waits for it.
 *
 * @throws StageEventsError `INVALID_OPTION`
 */
export function startTimeout(timeoutMs: number | undefined): Timeout {
  const { promise, resolve } = Promise.withResolvers<true>();
  if (timeoutMs === undefined) return { elapsed: promise, cancel: () => {} };
  if (!(timeoutMs >= 0 && timeoutMs <= LONGEST)) {
    throw new StageEventsError(
      "INVALID_OPTION",
      `Option "timeoutMs" is ${quoted(timeoutMs)}. Give milliseconds from 0 to ${LONGEST}, or leave it out to wait without limit.`,
    );
  }
  const timer = setTimeout(() => resolve(true), timeoutMs);
  return { elapsed: promise, cancel: () => clearTimeout(timer) };
}
