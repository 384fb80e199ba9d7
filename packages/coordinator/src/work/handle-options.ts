import {
  checkConsumerOptions,
  checkGroupName,
  checkGroupPolicy,
} from "@ringrift/event-queue/backend";
import { checkOptionNames } from "../options/check-options.ts";
import { CoordinatorError } from "../errors.ts";
import type { Backoff, GroupPolicy } from "@ringrift/event-queue";

/**
 * How a group's work is done. What this process states holds for the events that it handles, and is stored with the
 * group for processes that leave it out.
 */
export interface HandleOptions {
  /** The consumer group: each event is worked on by one process of it. */
  readonly group: string;
  /** @default what is stored, else 5 */
  readonly maxAttempts?: number | undefined;
  /** @default what is stored, else 100 ms × 2 up to 60 s */
  readonly backoff?: Backoff | undefined;
  /** Renewed while a handler runs. @default what is stored, else 30_000 */
  readonly leaseMs?: number | undefined;
  /** A group with nothing left to do expires when nobody has served it for so long. @default what is stored, else 7 days */
  readonly expireAfterMs?: number | undefined;
  /** A group that nobody has served for so long no longer holds back retention. @default what is stored, else 30 days */
  readonly holdMs?: number | undefined;
  /** `"require"` refuses values and topics that differ from those of the group. @default "follow" */
  readonly policy?: GroupPolicy["policy"];
  /**
   * Where a new group starts. It has to be stated if the log holds events for it: else `start()` rejects with
   * `GROUP_START_UNSTATED` and their count. An existing group goes on where it was.
   * @default the beginning, where the log holds nothing for it
   */
  readonly from?: GroupPolicy["from"];
  /** Events this process works on at once. @default 1 */
  readonly concurrency?: number | undefined;
  /** Longest a handler may run. @default what is stored, else no limit */
  readonly handlerTimeoutMs?: number | undefined;
  /** Events leased ahead of the handlers, beyond `concurrency`. @default as for `queue.consume` */
  readonly prefetch?: number | undefined;
  /**
   * Derive the ids of what a handler publishes from its event, so that a retry doesn't multiply it. @default true
   */
  readonly dedupeChildren?: boolean | undefined;
}

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
