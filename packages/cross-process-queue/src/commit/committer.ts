import { type DeadLetterNotice, QueueError } from "@ringrift/event-queue";
import type { Reserve } from "./reserve.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { BUSY_DEADLINE_MS, type Connection } from "../database/connection.ts";
import { describeHolder } from "../database/lock-holder.ts";
import { pauseAfter } from "../database/write-lock.ts";
import { SQL } from "../schema/statements.ts";
import { isBusy, isFull, toQueueError } from "../database/sqlite-errors.ts";
import type { WriteAheadLog } from "./write-ahead-log.ts";
import type { CommitOptions, WriteTransaction } from "./write-transaction.ts";

/** What a queue's acknowledged events survive. */
export type Survives = "power-loss" | "process-crash";

interface Job {
  readonly run: (tx: WriteTransaction) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly durable: boolean;
  readonly deferred: boolean;
  readonly usesReserve: boolean;
  readonly patienceMs: number;
  readonly deadline: number;
  /** It is tried by itself: it asked for that, or its transaction failed together with others. */
  alone: boolean;
}

/** Bounds how long one transaction holds the lock, and the event loop. */
const MOST_JOBS = 1_000;

/** What a committer works with. */
export interface CommitterParts {
  readonly connection: Connection;
  readonly writeAheadLog: WriteAheadLog;
  readonly survives: Survives;
  /** Writes what jobs of a transaction have deferred. */
  readonly write: (tx: WriteTransaction) => void;
  /** Wakes whoever waits for what was committed. */
  readonly ring: () => void;
  /** Told of each dead letter that was committed. */
  readonly onBuried: (notice: DeadLetterNotice) => void;
  readonly checkpoints: Checkpoints;
  readonly reserve: Reserve;
}

/**
 * Writes for one connection. Everything submitted in one turn of the event loop shares one transaction; what
 * has to survive a power cut then waits for the disk, together with all others that wait for it at the time,
 * while the next transaction may begin. While another process holds the lock it tries again asynchronously.
 */
export class Committer {
  readonly #connection: Connection;
  readonly #log: WriteAheadLog;
  readonly #survives: Survives;
  readonly #parts: CommitterParts;
  #jobs: Job[] = [];
  #running: Promise<void> | undefined;
  /** This turn of the event loop has had a transaction already. */
  #turnIsTaken = false;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
    this.#connection = parts.connection;
    this.#log = parts.writeAheadLog;
    this.#survives = parts.survives;
  }

  /**
   * Runs `run` in a write transaction, at the end of this turn or as soon as the lock can be had, and resolves
   * to its result when it survives what it has to. It may run more than once, so it must change nothing but
   * the database; when it throws, nothing it wrote stays, and other jobs aren't affected. `finish` makes of its result
   * what the call resolves to, when the transaction is over.
   *
   * @throws QueueError (rejects) `QUEUE_BUSY`, `QUEUE_FULL`, `QUEUE_READ_ONLY`, `STORAGE_FAILED`,
   * `SYNC_FAILED`, `WAL_UNLINKED`, `FILE_REPLACED`
   */
  submit<T>(run: (tx: WriteTransaction) => T, options?: CommitOptions): Promise<T>;
  submit<T, R>(
    run: (tx: WriteTransaction) => T,
    options: CommitOptions,
    finish: (value: T) => R,
  ): Promise<R>;
  submit<T>(
    run: (tx: WriteTransaction) => T,
    options: CommitOptions = {},
    finish?: (value: T) => unknown,
  ): Promise<unknown> {
    const { durable = true, deferred = false, patienceMs = BUSY_DEADLINE_MS } = options;
    const { alone = false } = options;
    const { urgent = durable, usesReserve = !durable } = options;
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + patienceMs;
      const settle = (value: unknown): void => {
        try {
          // The cast is safe: it is what run returned.
          resolve(finish!(value as T));
        } catch (error) {
          reject(error);
        }
      };
      this.#jobs.push({
        run,
        resolve: finish === undefined ? resolve : settle,
        reject,
        durable,
        deferred,
        usesReserve,
        patienceMs,
        deadline,
        alone,
      });
      this.#running ??= this.#work(urgent);
    });
  }

  /** Resolves when everything submitted so far is committed, and on the disk if it has to, or has failed. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#parts.checkpoints.quiet();
    await this.#parts.reserve.quiet();
    await this.#log.quiet();
  }

  async #work(urgent: boolean): Promise<void> {
    let tries = 0;
    await (urgent ? this.#endOfTick() : endOfTurn());
    while (this.#jobs.length > 0) {
      const batch = this.#jobs.slice(0, this.#jobs[0]?.alone === true ? 1 : this.#sharable());
      const outcome = this.#attempt(batch);
      if (outcome === "busy") {
        tries += 1;
        this.#giveUpLate();
        if (this.#jobs.length > 0) await pauseAfter(tries);
        continue;
      }
      tries = 0;
      if (outcome === "done") this.#jobs = this.#jobs.slice(batch.length);
      else for (const job of batch) job.alone = true;
      // Between two transactions others get the event loop, and the lock.
      if (this.#jobs.length > 0) await endOfTurn();
    }
    this.#running = undefined;
  }

  /** What is submitted together still shares the commit; what comes later in the same turn shares the next one. */
  async #endOfTick(): Promise<void> {
    if (this.#turnIsTaken) return endOfTurn();
    this.#turnIsTaken = true;
    setImmediate(() => {
      this.#turnIsTaken = false;
    });
    return new Promise<void>((resolve) => process.nextTick(resolve));
  }

  #sharable(): number {
    const alone = this.#jobs.findIndex((job) => job.alone);
    return Math.min(MOST_JOBS, alone === -1 ? this.#jobs.length : alone);
  }

  #attempt(batch: readonly Job[]): "done" | "busy" | "apart" {
    const { database } = this.#connection;
    const tx: WriteTransaction = {
      now: Date.now(),
      appended: [],
      acks: [],
      buried: [],
      durable: false,
      rings: false,
    };
    // Somebody who shares the handle has a transaction open: it is theirs.
    if (database.inTransaction) return "busy";
    const { reserve } = this.#parts;
    if (batch.some((job) => !job.usesReserve) && reserve.isRefusing)
      return this.#refuse(batch, full());
    let results: unknown[];
    try {
      this.#connection.requireSynchronous();
      this.#connection.begin();
      this.#log.requireWhole();
      results = batch.map((job) => {
        if (!job.deferred) this.#parts.write(tx);
        return job.run(tx);
      });
      this.#parts.write(tx);
      this.#connection.run(SQL.commit);
    } catch (error) {
      // SQLite rolls back by itself after some errors, a full disk for one.
      if (database.open && database.inTransaction) this.#connection.run(SQL.rollback);
      if (isBusy(error)) return "busy";
      if (!isFull(error)) return this.#refuse(batch, error);
      this.#parts.checkpoints.whenFull();
      if (!batch.every((job) => job.usesReserve)) reserve.noteFull();
      else if (reserve.release()) return "busy";
      return this.#refuse(batch, error);
    }
    if (tx.rings) this.#parts.ring();
    for (const notice of tx.buried) this.#parts.onBuried(notice);
    this.#parts.checkpoints.afterCommit(tx.tail !== undefined);
    // Last, as the sync begins here: its thread may be woken on this core, and waits until there is nothing else to do.
    this.#acknowledge(batch, results, tx.durable);
    return "done";
  }

  /** Each of them is tried by itself before it is refused. */
  #refuse(batch: readonly Job[], error: unknown): "done" | "apart" {
    if (batch.length > 1) return "apart";
    batch[0]?.reject(toQueueError(error, this.#connection.path));
    return "done";
  }

  #acknowledge(batch: readonly Job[], results: readonly unknown[], durable: boolean): void {
    const waits = (job: Job): boolean =>
      (job.durable || durable) && this.#survives === "power-loss";
    // The sync looks for itself.
    const linked = batch.every(waits) || this.#log.isWhole();
    const waiting: (() => void)[] = [];
    batch.forEach((job, index) => {
      if (!linked) job.reject(this.#log.failure);
      else if (waits(job)) waiting.push(() => job.resolve(results[index]));
      else job.resolve(results[index]);
    });
    if (waiting.length === 0) return;
    this.#log.sync().then(
      () => {
        for (const resolve of waiting) resolve();
      },
      (error: unknown) => {
        for (const job of batch) job.reject(error);
      },
    );
  }

  #giveUpLate(): void {
    const now = performance.now();
    const late = this.#jobs.filter((job) => job.deadline < now);
    if (late.length === 0) return;
    this.#jobs = this.#jobs.filter((job) => job.deadline >= now);
    const { path } = this.#connection;
    for (const job of late) {
      job.reject(
        new QueueError(
          "QUEUE_BUSY",
          `Queue "${path}": ${describeHolder(path)} has held the write lock for ${job.patienceMs} ms. Nothing was stored; see that no transaction is kept open, and try again.`,
        ),
      );
    }
  }
}

/** As SQLite would say it, if what was put aside were not left to others. */
function full(): Error {
  return Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
}

/** What is submitted until then shares the commit. */
function endOfTurn(): Promise<void> {
  return new Promise<void>((resolve) => setImmediate(resolve));
}
