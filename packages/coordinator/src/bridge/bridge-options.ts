import type { AnyContracts, Contracts, EventName, StartFrom } from "@ringrift/envelope";
import type { EventQueue } from "@ringrift/event-queue";
import {
  checkConsumerOptions,
  checkEventTypes,
  checkGroupName,
  checkGroupPolicy,
} from "@ringrift/event-queue/backend";
import { checkOptionNames } from "../options/check-options.ts";
import { CoordinatorError } from "../errors.ts";
import type { AnyQueue } from "../carrying/wire.ts";

/** Options of {@link createQueueBridge}. */
export interface QueueBridgeOptions<
  C extends Contracts = AnyContracts,
  D extends Contracts = AnyContracts,
> {
  /**
   * 1 to 64 letters, digits or `_.:/@-`. Processes that give the same name (and queues) are one shared bridge: each
   * event is carried by one of them. Another name is a redundant bridge.
   */
  readonly name: string;
  /** Its events are carried to `to`. It stays yours to close. */
  readonly from: EventQueue<C>;
  /** It stays yours to close. */
  readonly to: EventQueue<D>;
  /** @default every type but `cluster.*`, `coordinator.*` and internal ones (`RINGRIFT_…`) */
  readonly types?: readonly EventName<C>[] | undefined;
  /** Carry the events of `to` to `from` as well. @default false */
  readonly both?: boolean | undefined;
  /**
   * Where a new bridge begins to read, on either side; one that exists goes on where it was. What is there already isn't
   * doubled. @default "beginning"
   */
  readonly startFrom?: StartFrom | undefined;
  /** Events under way at once in a direction, in this process; they are sent together. @default 100 */
  readonly concurrency?: number | undefined;
  /** How long this process holds an event without renewing. Stored with the bridge's groups. @default 30_000 */
  readonly leaseMs?: number | undefined;
  /**
   * A bridge that nobody runs for so long is forgotten, with what it had still to carry. Until then its queues keep that
   * for it. @default 2_592_000_000 (30 days)
   */
  readonly expireAfterMs?: number | undefined;
  /**
   * Told when a queue takes no events (once for a streak), of every dead letter, and of other errors of the queues.
   * @default a process warning with code `RINGRIFT_COORDINATOR_ERROR`; of dead letters the first ten in each direction
   */
  readonly onError?: ((error: unknown) => unknown) | undefined;
}

/** {@link QueueBridgeOptions}, checked. */
export interface QueueBridgeSettings {
  readonly name: string;
  readonly from: AnyQueue;
  readonly to: AnyQueue;
  /** `undefined` for all that are carried without being named. */
  readonly types: readonly string[] | undefined;
  readonly both: boolean;
  readonly startFrom: StartFrom;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly expireAfterMs: number;
}

const OPTIONS: ReadonlySet<string> = new Set<keyof QueueBridgeOptions>([
  "name",
  "from",
  "to",
  "types",
  "both",
  "startFrom",
  "concurrency",
  "leaseMs",
  "expireAfterMs",
  "onError",
]);
const LONGEST_NAME = 64;
const CONCURRENCY = 100;
const LEASE_MS = 30_000;
const EXPIRE_AFTER_MS = 2_592_000_000;
/** What a bridge calls of a queue. */
const CALLS: readonly (keyof AnyQueue)[] = ["id", "sendMany", "group"];

/**
 * Checks the options of a bridge.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
 * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
 */
export function checkBridgeOptions<C extends Contracts, D extends Contracts>(
  options: QueueBridgeOptions<C, D>,
): QueueBridgeSettings {
  checkOptionNames("createQueueBridge", options, OPTIONS);
  const { name, types, both = false, onError } = options;
  const from = checkQueue("from", options.from);
  const to = checkQueue("to", options.to);
  if (from === to) {
    throw invalid(
      'Options "from" and "to" are the same queue. Give two: an event needs no bridge to where it is.',
    );
  }
  if (typeof both !== "boolean") {
    throw invalid(`Option "both" is "${String(both)}". Give true or false.`);
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw invalid(`Option "onError" is "${String(onError)}". Give a function.`);
  }
  const { startFrom = "beginning", concurrency = CONCURRENCY } = options;
  const { leaseMs = LEASE_MS, expireAfterMs = EXPIRE_AFTER_MS } = options;
  checkGroupPolicy({ from: startFrom, leaseMs, expireAfterMs });
  checkConsumerOptions({ concurrency });
  return {
    name: checkName(name),
    from,
    to,
    types: checkEventTypes(types),
    both,
    startFrom,
    concurrency,
    leaseMs,
    expireAfterMs,
  };
}

function checkName(name: unknown): string {
  try {
    const checked = checkGroupName(name);
    if (checked.length <= LONGEST_NAME) return checked;
  } catch {
    // Said below, in the words of this option.
  }
  throw invalid(
    `Option "name" is "${String(name).slice(0, LONGEST_NAME + 1)}". Give 1 to ${LONGEST_NAME} letters, digits or "_.:/@-", beginning with a letter, a digit or "_", e.g. "site-a-to-cluster".`,
  );
}

function checkQueue(option: string, queue: unknown): AnyQueue {
  const isQueue =
    typeof queue === "object" &&
    queue !== null &&
    CALLS.every((call) => typeof Reflect.get(queue, call) === "function");
  // The cast is as safe as a look at its methods makes it.
  if (isQueue) return queue as AnyQueue;
  throw invalid(
    `Option "${option}" is "${String(queue)}", which is no event queue. Give one that is open, e.g. new CrossProcessEventQueue("data/events.db").`,
  );
}

function invalid(message: string): CoordinatorError {
  return new CoordinatorError("INVALID_OPTION", message);
}
