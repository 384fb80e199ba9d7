import { runDetached } from "@ringrift/envelope";
import type { QueueError } from "@ringrift/event-queue";
import { Budget } from "../log/budget.ts";
import type { Committer } from "../commit/committer.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { Connection } from "../database/connection.ts";
import type { Group, GroupStore } from "../groups/group-store.ts";
import { isWorthTryingAgain } from "../commit/background-errors.ts";
import { type Loss, Losses } from "./losses.ts";
import { SQL } from "../schema/statements.ts";
import type { Skipper } from "./skipper.ts";
import type { CountedEnding, TypeEnder } from "./type-ender.ts";
import type { TypeIndex } from "../log/type-index.ts";

const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
/** Too many come faster than too old ones. */
const PAUSE_WITH_LIMITS_MS = 1_000;
/** Bytes are looked at after each portion, so that no more than these go beyond what is too much. */
const MOST_BEYOND_BYTES = 10;
/** Between two steps of a sweep, others have the lock for about as long as the steps have it. */
const STEP_PAUSE_MS = 10;
/** Nobody waits for a sweep: when the file is busy, the next one will do. */
const PATIENCE_MS = 100;

/** What is retained at most, of events that every group has settled. */
export interface RetentionLimits {
  readonly ms: number;
  readonly events: number | undefined;
  readonly bytes: number | undefined;
  /** How long dead letters are kept. */
  readonly deadLettersMs: number;
}

/** What a sweep has to work with. */
export interface SweeperParts {
  readonly connection: Connection;
  readonly committer: Committer;
  readonly types: TypeIndex;
  readonly groups: GroupStore;
  readonly skipper: Skipper;
  readonly typeEnder: TypeEnder;
  readonly limits: RetentionLimits;
  /** Counts what was dropped. */
  readonly onDropped: (reason: string, count: number) => void;
  /** Reports what a group has lost. */
  readonly onLoss: (error: QueueError) => void;
}

/**
 * Removes what is too old, in small steps: groups that nobody serves any more, events that a group is to skip, types
 * that nobody wants, dead letters that were kept for long enough, events that are older than the retention, or too many, and that every group has settled, dedupe keys whose window is over.
 * And has the index by type follow, where none of its writers do. The newest event always stays, so that its position
 * isn't given again. Sweeps by itself; never keeps the process alive.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;
  /** Told when the next step is done, or there was none to do. */
  readonly #waiting: (() => void)[] = [];
  #stopped = false;
  /** Ends the pause between two steps. */
  #endPause: () => void = () => {};

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    const { ms, events, bytes } = parts.limits;
    const isLimited = events !== undefined || bytes !== undefined;
    const longest = isLimited ? PAUSE_WITH_LIMITS_MS : LONGEST_PAUSE_MS;
    const pause = Math.min(Math.max(ms / 10, SHORTEST_PAUSE_MS), longest);
    this.#timer = runDetached(() => setInterval(() => this.#sweepAndReport(), pause).unref());
  }

  /** Sweeps for one step, if anything is due, and goes on without the caller if there is more. Never rejects. */
  async sweepOnce(): Promise<void> {
    if (this.#stopped) return;
    const swept = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#sweep().catch(() => {});
    this.#endPause();
    await swept;
  }

  /** Whether an event would go if every group had settled it. */
  isOverdue(position: number, storedAt: number, now: number): boolean {
    const { newest, before, upTo } = this.#limits(now);
    return position < newest && (storedAt < before || position <= upTo);
  }

  /** Lets the step that is under way end, and does no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#endPause();
    await this.#sweeping?.catch(() => {});
  }

  #sweepAndReport(): void {
    this.#sweep().catch((error: unknown) => {
      if (!isWorthTryingAgain(error, "Retention")) clearInterval(this.#timer);
    });
  }

  /** Calls that overlap share one sweep. */
  #sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepAll();
    return this.#sweeping;
  }

  async #sweepAll(): Promise<void> {
    const losses = new Losses();
    let told: (() => void)[] = [];
    try {
      for (let more = true; (more || this.#waiting.length > 0) && !this.#stopped;) {
        told = this.#waiting.splice(0);
        more = await this.#sweepStep(losses);
        for (const tell of told) tell();
        if (more) await this.#pause();
      }
    } finally {
      this.#sweeping = undefined;
      for (const tell of [...told, ...this.#waiting.splice(0)]) tell();
      for (const error of losses.errors()) this.#parts.onLoss(error);
    }
  }

  /** Doesn't keep the process alive: whoever waits for the next step ends it. */
  async #pause(): Promise<void> {
    if (this.#stopped || this.#waiting.length > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = runDetached(() => setTimeout(resolve, STEP_PAUSE_MS).unref());
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** Looks only, when nothing is due. Whether there is more. */
  async #sweepStep(losses: Losses): Promise<boolean> {
    const { connection, committer, onDropped } = this.#parts;
    if (!(await connection.read(() => this.#isDue(Date.now())))) return false;
    const endings = await connection.read(() => this.#countEndings(Date.now()));
    const done = await committer.submit((tx) => this.#step(tx, endings), {
      durable: false,
      patienceMs: PATIENCE_MS,
    });
    for (const [reason, count] of done.dropped) onDropped(reason, count);
    for (const loss of done.losses) {
      if (loss.count > 0) onDropped(loss.reason, loss.count);
      losses.add(loss);
    }
    return done.more;
  }

  #isDue(now: number): boolean {
    const { connection, groups, limits, skipper, typeEnder, types } = this.#parts;
    const isGroupDue = (group: Group): boolean =>
      this.#isExpired(group, now) || skipper.isDue(group, now) || typeEnder.isDue(group, now);
    return (
      types.isFarBehind(this.#newest()) ||
      groups.all().some(isGroupDue) ||
      connection.get(SQL.expiredDedupeKey, now) !== undefined ||
      connection.get(SQL.oldDeadLetter, now - limits.deadLettersMs) !== undefined ||
      connection.get(SQL.deletableEvent, this.#bounds(now)) !== undefined
    );
  }

  /** Of groups by their id. */
  #countEndings(now: number): ReadonlyMap<number, CountedEnding> {
    const { groups, typeEnder } = this.#parts;
    return new Map(
      groups.all().flatMap((group): [number, CountedEnding][] => {
        const counted = typeEnder.count(group, now);
        return counted === undefined ? [] : [[group.id, counted]];
      }),
    );
  }

  #step(tx: WriteTransaction, endings: ReadonlyMap<number, CountedEnding>): Swept {
    const { connection, groups, limits, skipper, typeEnder, types } = this.#parts;
    const dropped = new Map<string, number>();
    const losses: Loss[] = [];
    const budget = new Budget();
    let more = false;
    for (const group of groups.all()) {
      if (this.#isExpired(group, tx.now)) {
        const { dropped: count, isGone } = groups.dissolve(tx, group, budget);
        losses.push({ reason: "group-expired", group, count, isOver: isGone });
        continue;
      }
      const skip = skipper.skip(tx, group);
      losses.push({ reason: "skipped", group, count: skip.count, isOver: skip.count > 0 });
      more ||= skip.more;
      const { eventTypes, count } = typeEnder.end(tx, group, endings.get(group.id));
      const isOver = eventTypes.length > 0;
      losses.push({ reason: "type-ended", group, count, isOver, eventTypes });
    }
    const bounds = this.#bounds(tx.now);
    const late = groups.all().filter((group) => !isHolding(group, tx.now));
    const remove = (limits: Bounds & { readonly rows: number }): number => {
      for (const { name } of late) losses.push(...this.#miss(name, limits));
      return connection.run(SQL.deleteEvents, { ...limits });
    };
    const old = budget.spend((rows) => remove({ ...bounds, rows, upTo: 0 }));
    // Looked at again: what was too old may have been what was too much.
    const surplus = budget.spend((rows) => {
      const { upTo } = this.#limits(tx.now);
      return remove({ ...bounds, rows, before: 0, upTo });
    }, MOST_BEYOND_BYTES);
    budget.spend((rows) => connection.run(SQL.deleteDedupeKeys, tx.now, rows));
    const before = tx.now - limits.deadLettersMs;
    const letters = budget.spend((rows) =>
      connection.run(SQL.deleteOldDeadLetters, { rows, before }),
    );
    if (types.isFarBehind(this.#newest())) budget.spend((rows) => types.enter(rows));
    if (old > 0) dropped.set("retention", old);
    if (surplus > 0) dropped.set("retention-size", surplus);
    if (letters > 0) dropped.set("dead-letter-retention", letters);
    return { dropped, losses, more: more || budget.isSpent };
  }

  /** What a group misses that doesn't hold back retention any more. */
  #miss(name: string, limits: Bounds & { readonly rows: number }): Loss[] {
    const { connection, groups } = this.#parts;
    const group = groups.find(name);
    const last = connection.get<{ position: number }>(SQL.deletableUpTo, { ...limits });
    if (group === undefined || last === undefined) return [];
    const count = groups.miss(group, last.position);
    return [{ reason: "missed", group, count, isOver: count > 0 }];
  }

  /** A work group that has anything left to do is waited for. */
  #isExpired(group: Group, now: number): boolean {
    const { groups } = this.#parts;
    if (now - group.servedAt <= group.policy.expireAfterMs) return false;
    if (group.reader === 1) return true;
    return groups.floor(group) === Number.POSITIVE_INFINITY && !groups.hasDeadLetters(group);
  }

  /** Below `floor` nobody needs anything; the newest event stays in any case. */
  #bounds(now: number): Bounds {
    const { groups } = this.#parts;
    const { newest, before, upTo } = this.#limits(now);
    const holding = groups.all().filter((group) => isHolding(group, now));
    return {
      floor: Math.min(newest, ...holding.map((group) => groups.floor(group))),
      before,
      upTo,
    };
  }

  /** What was stored `before` is too old, and what lies `upTo` a position too much. */
  #limits(now: number): { newest: number; before: number; upTo: number } {
    const { connection, limits } = this.#parts;
    const newest = this.#newest();
    const isTooLarge = limits.bytes !== undefined && connection.usedBytes > limits.bytes;
    const surplus = limits.events === undefined ? 0 : newest - limits.events;
    return { newest, before: now - limits.ms, upTo: isTooLarge ? newest : surplus };
  }

  #newest(): number {
    return this.#parts.connection.get<{ position: number }>(SQL.newestPosition)?.position ?? 0;
  }
}

/** Which events may be deleted. */
interface Bounds {
  readonly floor: number;
  readonly before: number;
  readonly upTo: number;
}

/** What one step has done. */
interface Swept {
  readonly dropped: ReadonlyMap<string, number>;
  readonly losses: readonly Loss[];
  readonly more: boolean;
}

function isHolding({ servedAt, policy }: Group, now: number): boolean {
  return now - servedAt <= policy.holdMs;
}
