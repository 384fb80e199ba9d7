import { runDetached } from "@ringrift/envelope";
import { QueueError } from "@ringrift/event-queue";
import { reportQueueError } from "@ringrift/event-queue/backend";
import type { Committer, WriteTransaction } from "./commit.ts";
import type { Connection } from "./connection.ts";
import type { GroupStore } from "./groups.ts";
import { SQL } from "./schema.ts";

/** Rows that one transaction deletes: a large one would hold the lock, and the event loop, for too long. */
const STEP = 500;
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
/** Nobody waits for a sweep: when the file is busy, the next one will do. */
const PATIENCE_MS = 100;

/** What a sweep has to work with. */
export interface SweeperParts {
  readonly connection: Connection;
  readonly committer: Committer;
  readonly groups: GroupStore;
  readonly retentionMs: number;
  /** Counts what was dropped. */
  readonly onDropped: (reason: string, count: number) => void;
}

/**
 * Removes what is too old, in small steps: groups that nobody serves any more, events that are older than the
 * retention and that every group has settled, dedupe keys whose window is over. The newest event always
 * stays, so that its position isn't given again. Sweeps by itself; never keeps the process alive.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    const pause = Math.min(Math.max(parts.retentionMs / 10, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
    this.#timer = runDetached(() => setInterval(() => this.#sweepAndReport(), pause).unref());
  }

  /** Sweeps now what is due; looks only, when nothing is. Calls that overlap share one sweep. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping?.catch(() => {});
  }

  #sweepAndReport(): void {
    this.sweep().catch((error: unknown) => {
      const code = error instanceof QueueError ? error.code : undefined;
      if (code === "QUEUE_BUSY") return;
      // A process that may only read leaves it to others; what else is wrong won't go by itself either.
      clearInterval(this.#timer);
      if (code !== "QUEUE_READ_ONLY") reportQueueError(error, "Retention");
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
    return connection.get(SQL.deletableEvent, this.#floor(), this.#tooOld(now)) !== undefined;
  }

  #step(tx: WriteTransaction): { dropped: Map<string, number>; more: boolean } {
    const { connection, groups } = this.#parts;
    const dropped = new Map<string, number>();
    for (const group of this.#expired(tx.now)) {
      dropped.set("group-expired", (dropped.get("group-expired") ?? 0) + groups.pending(group));
      groups.remove(group.name);
    }
    const events = connection.run(SQL.deleteEvents, this.#floor(), this.#tooOld(tx.now), STEP);
    if (events > 0) dropped.set("retention", events);
    const keys = connection.run(SQL.deleteDedupeKeys, tx.now, STEP);
    return { dropped, more: events === STEP || keys === STEP };
  }

  #expired(now: number): ReturnType<GroupStore["all"]> {
    return this.#parts.groups
      .all()
      .filter(({ servedAt, policy }) => now - servedAt > policy.expireAfterMs);
  }

  #tooOld(now: number): number {
    return now - this.#parts.retentionMs;
  }

  /** Below this position nobody needs anything. */
  #floor(): number {
    const { connection, groups } = this.#parts;
    const newest = connection.get<{ position: number }>(SQL.newestPosition)?.position ?? 0;
    return Math.min(newest, ...groups.all().map((group) => groups.floor(group)));
  }
}
