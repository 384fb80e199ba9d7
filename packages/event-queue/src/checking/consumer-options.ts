import type { ConsumerOptions } from "../contract/consumer.ts";
import { checkMs, checkNumber, checkOptionNames, invalidOption, show } from "./check-options.ts";

/** A member's options with their defaults. */
export interface CheckedConsumerOptions {
  readonly concurrency: number;
  /** `undefined`: as the handlers are quick. */
  readonly prefetch: number | undefined;
  readonly handlerTimeoutMs: number | undefined;
  readonly dedupeChildren: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onError: ((error: unknown) => void) | undefined;
}

/** Names of a member's options, for {@link splitConsumeOptions}. */
const CONSUMER_NAMES: ReadonlySet<string> = new Set<keyof ConsumerOptions>([
  "concurrency",
  "prefetch",
  "handlerTimeoutMs",
  "dedupeChildren",
  "signal",
  "onError",
]);

/**
 * Checks a member's options and fills in the defaults.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkConsumerOptions(options: ConsumerOptions): CheckedConsumerOptions {
  checkOptionNames("consume", options, CONSUMER_NAMES);
  const { concurrency = 1, prefetch, handlerTimeoutMs, dedupeChildren, onError } = options;
  if (onError !== undefined && typeof onError !== "function") {
    throw invalidOption(`Option "onError" is ${show(onError)}. Give a function.`);
  }
  return {
    concurrency: checkNumber("concurrency", concurrency, { min: 1, max: 10_000 }),
    prefetch:
      prefetch === undefined
        ? undefined
        : checkNumber("prefetch", prefetch, { min: 0, max: 10_000 }),
    handlerTimeoutMs:
      handlerTimeoutMs === undefined ? undefined : checkMs("handlerTimeoutMs", handlerTimeoutMs, 1),
    dedupeChildren: dedupeChildren ?? true,
    signal: options.signal,
    onError,
  };
}
