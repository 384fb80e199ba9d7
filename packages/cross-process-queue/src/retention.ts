import { runDetached } from "@ringrift/envelope";
import type { Committer, WriteTransaction } from "./commit.ts";
import type { Connection } from "./connection.ts";
import type { GroupStore } from "./groups.ts";
import { isWorthTryingAgain } from "./housekeeping.ts";
import { SQL } from "./schema.ts";

/** One transaction deletes for so long: a longer one would hold up other writers, and the event loop. */
const STEP_MS = 8;
const PORTION_MS = 1;
const SMALLEST_PORTION = 5;
const LARGEST_PORTION = 200;
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
/** Too many come faster than too old ones. */
const PAUSE_WITH_LIMITS_MS = 1_000;
/** Nobody waits for a sweep: when the file is busy, the next one will do. */
const PATIENCE_MS = 100;

/** What is retained at most, of events that every group has settled. */
export interface RetentionLimits {
  readonly ms: number;
  readonly events: number | undefined;
  readonly bytes: number | undefined;
}

/** What a sweep has to work with. */
export interface SweeperParts {
  readonly connection: Connection;
  readonly committer: Committer;
  readonly groups: GroupStore;
  readonly limits: RetentionLimits;
  /** Counts what was dropped. */
  readonly onDropped: (reason: string, count: number) => void;
}

/**
 * Removes what is too old, in small steps: groups that nobody serves any more, events that are older than the
 * retention, or too many, and that every group has settled, dedupe keys whose window is over. The newest event always
 * stays, so that its position isn't given again. Sweeps by itself; never keeps the process alive.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    const { ms, events, bytes } = parts.limits;
    const isLimited = events !== undefined || bytes !== undefined;
    const longest = isLimited ? PAUSE_WITH_LIMITS_MS : LONGEST_PAUSE_MS;
    const pause = Math.min(Math.max(ms / 10, SHORTEST_PAUSE_MS), longest);
    this.#timer = runDetached(() => setInterval(() => this.#sweepAndReport(), pause).unref());
  }

  /** Sweeps now what is due; looks only, when nothing is. Calls that overlap share one sweep. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Whether an event would go if every group had settled it. */
  isOverdue(position: number, storedAt: number, now: number): boolean {
    const newest = this.#newest();
    if (position >= newest) return false;
    return storedAt < this.#tooOld(now) || position <= this.#tooMany(newest);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping?.catch(() => {});
  }

  #sweepAndReport(): void {
    this.sweep().catch((error: unknown) => {
      if (!isWorthTryingAgain(error, "Retention")) clearInterval(this.#timer);
    });
  }

  async #sweep(): Promise<void> {
    const { connection, committer } = this.#parts;
    while (await connection.read(() => this.#isDue(Date.now()))) {
      const done = await committer.submit((tx) => this.#step(tx), {
        durable: false,
        patienceMs: PATIENCE_MS,
      });
      for (const [reason, count] of done.dropped) this.#parts.onDropped(reason, count);
      if (!done.more) return;
    }
  }

  #isDue(now: number): boolean {
    const { connection } = this.#parts;
    if (this.#expired(now).length > 0 || connection.get(SQL.expiredDedupeKey, now) !== undefined) {
      return true;
    }
    const newest = this.#newest();
    const [floor, before, upTo] = [this.#floor(newest), this.#tooOld(now), this.#tooMany(newest)];
    return connection.get(SQL.deletableEvent, { floor, before, upTo }) !== undefined;
  }

  #step(tx: WriteTransaction): { dropped: Map<string, number>; more: boolean } {
    const { connection, groups } = this.#parts;
    const dropped = new Map<string, number>();
    for (const group of this.#expired(tx.now)) {
      dropped.set("group-expired", (dropped.get("group-expired") ?? 0) + groups.pending(group));
      groups.remove(group.name);
    }
    const newest = this.#newest();
    const floor = this.#floor(newest);
    const before = this.#tooOld(tx.now);
    const budget = new Budget();
    const old = budget.spend((rows) =>
      connection.run(SQL.deleteEvents, { floor, rows, before, upTo: 0 }),
    );
    const surplus = budget.spend((rows) =>
      connection.run(SQL.deleteEvents, { floor, rows, before: 0, upTo: this.#tooMany(newest) }),
    );
    budget.spend((rows) => connection.run(SQL.deleteDedupeKeys, tx.now, rows));
    if (old > 0) dropped.set("retention", old);
    if (surplus > 0) dropped.set("retention-size", surplus);
    return { dropped, more: budget.isSpent };
  }

  #expired(now: number): ReturnType<GroupStore["all"]> {
    return this.#parts.groups
      .all()
      .filter(({ servedAt, policy }) => now - servedAt > policy.expireAfterMs);
  }

  #tooOld(now: number): number {
    return now - this.#parts.limits.ms;
  }

  /** Up to this position there is more than there may be. */
  #tooMany(newest: number): number {
    const { connection, limits } = this.#parts;
    if (limits.bytes !== undefined && usedBytes(connection) > limits.bytes) return newest;
    return limits.events === undefined ? 0 : newest - limits.events;
  }

  #newest(): number {
    return this.#parts.connection.get<{ position: number }>(SQL.newestPosition)?.position ?? 0;
  }

  /** Below this position nobody needs anything; the newest event stays in any case. */
  #floor(newest: number): number {
    const { groups } = this.#parts;
    return Math.min(newest, ...groups.all().map((group) => groups.floor(group)));
  }
}

/** Bytes of the database that hold something; the file may be larger, and uses the rest again. */
export function usedBytes(connection: Connection): number {
  return connection.get<{ bytes: number }>(SQL.usedBytes)?.bytes ?? 0;
}

/** How long one transaction may go on deleting. A row takes a few µs, and one of a megabyte a thousand times that. */
class Budget {
  readonly #until = performance.now() + STEP_MS;
  isSpent = false;

  /** Has rows deleted, in ever larger portions, until fewer are found than asked for or the time is up. */
  spend(deleteRows: (rows: number) => number): number {
    let total = 0;
    let rows = SMALLEST_PORTION;
    while (!this.isSpent) {
      const began = performance.now();
      const deleted = deleteRows(rows);
      total += deleted;
      if (deleted < rows) break;
      const now = performance.now();
      this.isSpent = now >= this.#until;
      if (now - began < PORTION_MS) rows = Math.min(rows * 2, LARGEST_PORTION);
    }
    return total;
  }
}
