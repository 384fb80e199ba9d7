import { type Consumer, QueueError } from "@ringrift/event-queue";
import { Bell, ConsumerMiddlewares } from "@ringrift/event-queue/backend";
import type { Appended } from "./appending.ts";
import { backUp, type QueueBackup } from "./backup.ts";
import type { CommitOptions, WriteTransaction } from "./write-transaction.ts";
import { Engine } from "./engine.ts";
import type { CheckedQueueOptions } from "./options.ts";
import type { EventRow } from "./rows.ts";

/** Broken rows that are remembered by position, so that each is counted once. */
const MOST_CORRUPT = 10_000;

/** The life of one queue instance: opens on first use, counts, and ends what it has to when it closes. */
export class QueueInstance {
  readonly bell: Bell = new Bell();
  readonly counts: { sent: number; duplicates: number; received: number } = {
    sent: 0,
    duplicates: 0,
    received: 0,
  };
  readonly dropped: Map<string, number> = new Map();
  readonly middlewares: ConsumerMiddlewares = new ConsumerMiddlewares();
  /** Positions of rows that could not be read. */
  readonly corrupt: Set<number> = new Set();
  readonly #options: CheckedQueueOptions;
  readonly #consumers = new Set<Consumer>();
  readonly #ending = new AbortController();
  /** Calls that a close has to wait for. Counted, since a set keeps what it gave up until the next full collection. */
  #underWay = 0;
  #quiet: PromiseWithResolvers<void> | undefined;
  #engine: Promise<Engine> | undefined;
  /** The engine, once it is open. */
  #opened: Engine | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;

  constructor(options: CheckedQueueOptions) {
    this.#options = options;
  }

  /** Reads; opens the queue first if need be. */
  read<T>(look: (engine: Engine) => T): Promise<T> {
    return this.#use((engine) => engine.connection.read(() => look(engine)));
  }

  /** Writes, with whatever else is written in this turn of the event loop. See `Committer.submit`. */
  write<T>(run: (engine: Engine, tx: WriteTransaction) => T, options?: CommitOptions): Promise<T> {
    const engine = this.#opened;
    if (engine === undefined || this.#state === "closed") {
      return this.#use((opened) => opened.committer.submit((tx) => run(opened, tx), options));
    }
    // A close flushes the committer, so that nobody else has to remember this.
    return engine.committer.submit((tx) => run(engine, tx), options);
  }

  /**
   * Removes some of what is too old before somebody counts. What can't be done now, or in one step, they count as
   * it is.
   */
  async sweep(): Promise<void> {
    await this.#use((engine) => engine.sweeper.sweepOnce()).catch(() => {});
  }

  /** Copies the database of this moment into a new file. */
  backUp(path: string): Promise<QueueBackup> {
    return this.#use(async (engine) => {
      // What was sent before is in it.
      await engine.committer.flush();
      return backUp(engine.connection, path);
    });
  }

  /** Begins to hear of what other processes commit. */
  listen(): Promise<void> {
    // oxlint-disable-next-line typescript/require-await -- what is used is asynchronous
    return this.#use(async (engine) => engine.doorbell.listen());
  }

  /** Counts an event that was sent, and is committed. */
  countSent({ duplicate }: Appended): void {
    this.counts[duplicate ? "duplicates" : "sent"] += 1;
  }

  drop(reason: string, count: number): void {
    if (count > 0) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  /** Nothing that lives on may begin any more. */
  refuseWhenClosing(): void {
    if (this.#state !== "open") throw closedError();
  }

  adopt(consumer: Consumer): void {
    this.#consumers.add(consumer);
    void consumer.ended.then(() => this.#consumers.delete(consumer));
  }

  /** Aborted when streams have to end: when the instance closes, or when the caller's own signal is. */
  endOf(signal: AbortSignal | undefined): AbortSignal {
    this.refuseWhenClosing();
    return signal === undefined
      ? this.#ending.signal
      : AbortSignal.any([signal, this.#ending.signal]);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Handlers still send and ack while the queue is closing. */
  async #use<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    if (this.#state === "closed") throw closedError();
    this.#underWay += 1;
    try {
      return await work(await this.#open());
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#quiet?.resolve();
    }
  }

  /** Resolves when no call is under way. */
  async #whenQuiet(): Promise<void> {
    if (this.#underWay === 0) return;
    this.#quiet = Promise.withResolvers();
    await this.#quiet.promise;
  }

  #open(): Promise<Engine> {
    this.#engine ??= Engine.open(this.#options, {
      bell: this.bell,
      onDropped: (reason, count) => this.drop(reason, count),
      onCorrupt: (row) => this.#noteCorrupt(row),
    }).then(
      (engine) => {
        this.#opened = engine;
        return engine;
      },
      (error: unknown) => {
        // What is wrong may be put right: the next call tries again.
        this.#engine = undefined;
        throw error;
      },
    );
    return this.#engine;
  }

  #noteCorrupt({ position }: EventRow): void {
    if (this.corrupt.has(position) || this.corrupt.size >= MOST_CORRUPT) return;
    this.corrupt.add(position);
    this.drop("corrupt", 1);
  }

  async #close(): Promise<void> {
    this.#state = "closing";
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    this.#ending.abort();
    this.#state = "closed";
    this.bell.close(closedError());
    await this.#whenQuiet();
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.close();
  }
}

function closedError(): QueueError {
  return new QueueError("QUEUE_CLOSED", "The queue is closed. Open another instance to go on.");
}
