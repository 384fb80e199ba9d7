import {
  checkConsumerOptions,
  checkGroupName,
  checkGroupPolicy,
} from "@ringrift/event-queue/backend";
import { checkOptionNames } from "./check-options.ts";
import { CoordinatorError } from "./errors.ts";
import type { HandleOptions } from "./work.ts";

const HANDLE: ReadonlySet<string> = new Set<keyof HandleOptions>([
  "group",
  "maxAttempts",
  "backoff",
  "leaseMs",
  "expireAfterMs",
  "holdMs",
  "policy",
  "from",
  "concurrency",
  "handlerTimeoutMs",
  "prefetch",
  "dedupeChildren",
]);

/**
 * Checks the arguments of `handle` where they are written: at the start it would be too late to see whose.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 * @throws QueueError `INVALID_OPTION`
 * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
 */
export function checkHandle(
  topics: readonly string[],
  options: HandleOptions,
  handler: unknown,
): void {
  const call = `handle("${topics.join('", "')}")`;
  if (topics.length === 0) throw invalid("handle was given no topic. Give at least one.");
  if (typeof options?.group !== "string" || options.group === "") {
    throw invalid(
      `${call} has no group. Name the consumer group whose processes share the work, e.g. { group: "mailer" }.`,
    );
  }
  if (typeof handler !== "function") {
    throw invalid(`The handler of ${call} is "${String(handler)}". Give a function.`);
  }
  checkOptionNames("handle", options, HANDLE);
  const { group, concurrency, handlerTimeoutMs, prefetch, dedupeChildren, ...policy } = options;
  checkGroupName(group);
  checkGroupPolicy(policy);
  checkConsumerOptions({ concurrency, handlerTimeoutMs, prefetch, dedupeChildren });
}

function invalid(message: string): CoordinatorError {
  return new CoordinatorError("INVALID_OPTION", message);
}
