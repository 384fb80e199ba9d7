import { MIGRATION, migrationUnsupported, type QueueMigration } from "./queue-migration.ts";
import type { EventQueue } from "../contract/event-queue.ts";
import { QueueError } from "../failures/errors.ts";
import type { StoredEvent } from "../contract/events.ts";
import { DEFAULT_GROUP_POLICY } from "../checking/group-policy.ts";
import { checkOptionNames, invalidOption } from "../checking/check-options.ts";
import { migrationGroup, moveGroups, moveLetters } from "./group-mover.ts";
import { LogCarrier } from "./log-carrier.ts";
import { LogComparison } from "./log-comparison.ts";

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
  /** Called after each batch with the number of events copied so far by this call. @default nobody is told */
  readonly onProgress?: ((copied: number) => void) | undefined;
}

/** What came of a migration. */
export interface MigrationResult {
  /** Events this call copied; those of an earlier, interrupted call are not among them. */
  readonly copied: number;
  /** Events of the old queue that were found in the new one, by id and in order. */
  readonly verified: number;
  /** Groups that go on in the new queue. */
  readonly groups: readonly string[];
  /** Dead letters this call took over. */
  readonly deadLetters: number;
  /** Delayed events this call took over. */
  readonly delayed: number;
  /** For how long nobody could send: from `hold` until `release`, or, without it, until all was there. */
  readonly heldMs: number;
}

const NAMES: ReadonlySet<string> = new Set<keyof MigrationOptions>([
  "hold",
  "release",
  "onProgress",
]);
/** Whoever goes on sending though it was held would be carried for ever. */
const MOST_ROUNDS = 20;
/** Of the group that keeps what isn't carried yet. A run that was killed may be run again as much later. */
const KEPT_MS = 2_592_000_000;

/**
 * Moves a queue into another one, of whatever backends, in either direction: the retained events with their ids, lineage,
 * keys and headers; the delayed ones, which fall due when they would have; the groups with their policies; and the dead
 * letters with their attempts, errors and history. It only looks at groups: nothing is leased, and no attempt is counted.
 * The old queue keeps everything.
 *
 * - A group begins in the new queue at the oldest event that it hadn't settled in the old one. What it had settled above
 *   that one comes again, with the same id and `redelivered: true`; attempts count from 1.
 * - A killed call is simply made again, and goes on where it was: each of its steps may be done twice. Until then the old
 *   queue keeps what isn't carried, for the group `migration:<id of the new queue>`.
 * - A group that exists in the new queue stays as it is, unless a killed call has made it and nobody was given anything of it.
 * - Dedupe keys, claims of names with their notes, and the reach of a send's `dedupeKey` stay behind.
 *
 * @example
 * await migrateQueue(file, nats, {
 *   hold: () => Promise.all([producers.stop(), consumer.stop()]),
 *   release: () => producers.start(nats),
 * });
 *
 * @throws QueueError (rejects) `INVALID_OPTION`; `MIGRATION_UNSUPPORTED` for what isn't one of the queues of this library;
 * `MIGRATION_REFUSED` for an event that the new queue will never take; `MIGRATION_INCOMPLETE` when events of the old queue
 * aren't in the new one; and what the queues reject with
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
  const old = migrationOf(from);
  const next = migrationOf(to);
  const [source, target] = await Promise.all([from.id(), to.id()]);
  if (source === target) {
    throw invalidOption(
      `migrateQueue was given the queue "${source}" twice: two instances of it, or one is a copy of the other's file. Give a queue that begins empty.`,
    );
  }
  const own = migrationGroup(target);
  await keepFor(own, from, old);
  const comparison = new LogComparison(old, next);
  const carrier = new LogCarrier({
    from: old,
    to: next,
    onProgress: (copied) => options.onProgress?.(copied),
    onEarly: (position) => comparison.noteEarly(position),
    note: (position) => from.groups.seek(own, { position: position + 1 }),
  });
  try {
    // What an interrupted call has copied is found by comparing, and not copied again.
    await comparison.advance();
    carrier.after = comparison.end.from;
    const newest = async (): Promise<number> => (await from.stats()).newestPosition ?? 0;
    await carrier.catchUp(newest);
    await carrier.carryFarDelayed();
    // As much as can be compared before anybody waits.
    await comparison.advance();
    await carrier.catchUp(newest);
    const began = performance.now();
    await options.hold();
    await carryAll(carrier, comparison);
    const { end } = comparison;
    await carrier.carryDelayed();
    // What has come into the old log before its turn was not among the delayed ones.
    await carryAll(carrier, comparison);
    const { verified } = comparison;
    const releasedAt = performance.now();
    await options.release?.();
    const groups = await moveGroups({ queue: from, from: old, to: next, target, comparison, end });
    const deadLetters = await moveLetters({ from: old, to: next, target });
    await from.groups.remove(own);
    const until = options.release === undefined ? performance.now() : releasedAt;
    const { copied, delayed } = carrier;
    return { copied, verified, groups, deadLetters, delayed, heldMs: until - began };
  } finally {
    carrier.end();
  }
}

/** Has the old queue keep what isn't carried yet: by a reading group, for those hold no sender back. */
async function keepFor(group: string, queue: EventQueue, old: QueueMigration): Promise<void> {
  if ((await queue.groups.list()).some(({ name }) => name === group)) return;
  const policy = { ...DEFAULT_GROUP_POLICY, expireAfterMs: KEPT_MS, holdMs: KEPT_MS };
  await old.adoptGroup({ name: group, policy, isReader: true, after: 0, againUpTo: 0 });
}

/** Carries the log until all of it is found: a delayed event may come in between, though nobody sends. */
async function carryAll(carrier: LogCarrier, comparison: LogComparison): Promise<void> {
  for (let left = MOST_ROUNDS; ; left -= 1) {
    await carrier.carryLog();
    const missing = await comparison.advance();
    if (missing === undefined) return;
    if (missing.position <= carrier.after || left === 0) {
      throw incomplete(missing, comparison.verified);
    }
  }
}

function migrationOf(queue: EventQueue): QueueMigration {
  const found = queue as Partial<Record<typeof MIGRATION, unknown>>;
  const open = found?.[MIGRATION];
  if (typeof open !== "function") throw migrationUnsupported("It isn't made by this library");
  // The cast is safe: only BackedQueue has the method.
  return open.call(queue) as QueueMigration;
}

function incomplete({ id, position }: StoredEvent, verified: number): QueueError {
  return new QueueError(
    "MIGRATION_INCOMPLETE",
    `Event "${id}" at position ${position} of the old queue isn't in the new one after the ${verified} before it. Did somebody still send, or did the new queue drop events? Stay on the old queue, and try again into an empty one.`,
  );
}
