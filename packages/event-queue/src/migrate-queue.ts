import { pickLineage } from "@ringrift/envelope";
import type { EventQueue } from "./contract.ts";
import { QueueError } from "./errors.ts";
import type { StoredEvent } from "./events.ts";
import type { GroupInfo } from "./groups.ts";
import { LogComparison } from "./log-comparison.ts";
import { checkOptionNames, invalidOption } from "./options.ts";

/** How a queue is moved. */
export interface MigrationOptions {
  /**
   * Called once, when next to nothing is left to copy. It stops whoever sends to the old queue and whoever consumes
   * from it, and returns (or resolves) when they have stopped; they go on, on the new queue, when the migration has resolved.
   */
  readonly hold: () => unknown;
  /**
   * Called once, when all events are in the new queue and were compared: senders may go on there. Consumers wait until
   * the migration has resolved, since their groups are moved after this.
   * @default senders wait until then, too
   */
  readonly release?: (() => unknown) | undefined;
  /** Called after each batch with the number of events copied so far by this call. */
  readonly onProgress?: ((copied: number) => void) | undefined;
}

/** What came of a migration. */
export interface MigrationResult {
  /** Events this call copied; those of an earlier, interrupted call are not among them. */
  readonly copied: number;
  /** Events of the old queue that were found in the new one, by id and in order. */
  readonly verified: number;
  /** Groups made in the new queue. */
  readonly groups: readonly string[];
  /** For how long nobody could send: from `hold` until `release`, or, without it, until all was there. */
  readonly heldMs: number;
}

const BATCH = 200;
const NAMES: ReadonlySet<string> = new Set<keyof MigrationOptions>([
  "hold",
  "release",
  "onProgress",
]);

/**
 * Copies a queue into another one, of whatever backends: the retained events with their ids, lineage, keys and
 * headers, and the groups with their policies. A group begins in the new queue at the oldest event that it hadn't
 * settled in the old one; what it had settled after that one comes again, with the same id. Dead letters and delayed
 * events stay where they are. Calling it again after a crash goes on where it was. The old queue keeps its events.
 *
 * @example
 * await migrateQueue(file, nats, {
 *   hold: () => Promise.all([producers.stop(), consumer.stop()]),
 *   release: () => producers.start(nats),
 * });
 *
 * @throws QueueError (rejects) `MIGRATION_INCOMPLETE` when events of the old queue aren't in the new one, and what
 * the queues reject with
 */
export async function migrateQueue(
  from: EventQueue,
  to: EventQueue,
  options: MigrationOptions,
): Promise<MigrationResult> {
  checkOptionNames("migrateQueue", options, NAMES);
  if (typeof options?.hold !== "function") {
    throw invalidOption(
      'Option "hold" is missing. Give a function that stops senders and consumers.',
    );
  }
  // What an interrupted call has copied is found by comparing, and not copied again.
  const comparison = new LogComparison(from, to);
  await comparison.advance();
  let { after } = comparison;
  let copied = 0;
  const copyAll = async (): Promise<void> => {
    for (let size = BATCH; size === BATCH;) {
      const events = await from.history({ after, limit: BATCH });
      size = events.length;
      if (size === 0) return;
      copied += await copy(events, to);
      after = events.at(-1)?.position ?? after;
      options.onProgress?.(copied);
    }
  };
  await copyAll();
  // As much as can be compared before anybody waits.
  await comparison.advance();
  const began = performance.now();
  await options.hold();
  await copyAll();
  const missing = await comparison.advance();
  const { verified } = comparison;
  if (missing !== undefined) throw incomplete(missing, verified);
  // What comes from here on is no part of the old queue.
  const end = comparison.toAfter;
  const releasedAt = performance.now();
  await options.release?.();
  const groups = await unsettled(from);
  for (const { info, oldest } of groups) {
    const position = oldest && (await comparison.positionOf(oldest));
    const policy = { ...policyOf(info), from: { position: position ?? end + 1 } };
    await to.group(info.name, policy).ensure();
  }
  const names = groups.map(({ info }) => info.name);
  const until = options.release === undefined ? performance.now() : releasedAt;
  return { copied, verified, groups: names, heldMs: until - began };
}

/** In order, and each by its id: what is there already is not doubled. */
async function copy(events: readonly StoredEvent[], to: EventQueue): Promise<number> {
  const stored = await to.sendMany(
    events.map((event) => {
      const { type, payload, headers, key } = event;
      return { type, payload, headers, key, lineage: pickLineage(event) };
    }),
  );
  return stored.filter(({ duplicate }) => duplicate !== true).length;
}

async function pause(): Promise<true> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return true;
}

interface OldGroup {
  readonly info: GroupInfo;
  /** The oldest event that it has still to settle. */
  readonly oldest: StoredEvent | undefined;
}

/** Its members have stopped: what it has still to settle can be leased, at the latest when their leases end. */
async function unsettled(from: EventQueue): Promise<OldGroup[]> {
  const found: OldGroup[] = [];
  for (const { name } of await from.groups.list()) {
    const events: StoredEvent[] = [];
    for (;;) {
      const info = (await from.groups.list()).find((group) => group.name === name);
      if (info === undefined) break;
      events.push(...(await from.group(name).receive({ limit: 10_000, leaseMs: 60_000 })));
      if (info.retrying > 0 || info.inFlight > events.length) {
        await pause();
        continue;
      }
      const oldest = events.toSorted((a, b) => a.position - b.position)[0];
      found.push({ info, oldest });
      break;
    }
  }
  return found;
}

function incomplete({ id, position }: StoredEvent, verified: number): QueueError {
  return new QueueError(
    "MIGRATION_INCOMPLETE",
    `Event "${id}" at position ${position} of the old queue isn't in the new one after the ${verified} before it. Did somebody still send, or did the new queue drop events? Stay on the old queue, and try again into an empty one.`,
  );
}

function policyOf(info: GroupInfo): object {
  const { eventTypes, maxAttempts, leaseMs, expireAfterMs, skipAfterMs, backoff } = info;
  return { eventTypes, maxAttempts, leaseMs, expireAfterMs, skipAfterMs, backoff };
}
