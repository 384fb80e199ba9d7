import { type Consumer, QueueError } from "@ringrift/event-queue";
import { Bell, ConsumerMiddlewares, reportQueueError } from "@ringrift/event-queue/backend";
import { Engine } from "./engine.ts";
import type { CheckedOptions } from "./options.ts";

/** Broken messages that are remembered by position, so that each is counted once. */
const MOST_CORRUPT = 10_000;

/** How a call is made. */
export interface UseOptions {
  /** Whether it keeps the process alive until it is done. @default true */
  readonly keepAlive?: boolean | undefined;
}

/** Longest delay of a Node timer. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The life of one queue instance: connects on first use, counts, and ends what it has to when it closes. */
export class QueueInstance {
  readonly bell: Bell = new Bell();
  readonly groupBell: Bell = new Bell();
  readonly counts: { sent: number; duplicates: number; received: number } = {
    sent: 0,
    duplicates: 0,
    received: 0,
  };
  readonly dropped: Map<string, number> = new Map();
  readonly middlewares: ConsumerMiddlewares = new ConsumerMiddlewares();
  /** Positions of messages that could not be read. */
  readonly corrupt: Set<number> = new Set();
  readonly options: CheckedOptions;
  readonly #consumers = new Set<Consumer>();
  readonly #ending = new AbortController();
  /** Calls that a close has to wait for. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** How many calls keep the process alive. */
  #holding = 0;
  #engine: Promise<Engine> | undefined;
  #opened: Engine | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;

  constructor(options: CheckedOptions) {
    this.options = options;
  }

  /** Works on the queue; connects first if need be. Handlers still send and ack while it is closing. */
  use<T>(work: (engine: Engine) => Promise<T>, options: UseOptions = {}): Promise<T> {
    if (this.#state === "closed") return Promise.reject(closedError());
    const { keepAlive = true } = options;
    const engine = this.#opened;
    const done = engine === undefined ? this.#open().then(work) : start(work, engine);
    this.#underWay.add(done);
    if (keepAlive) this.#hold(1);
    const forget = (): void => {
      this.#underWay.delete(done);
      if (keepAlive) this.#hold(-1);
    };
    done.then(forget, forget);
    return done;
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
    this.#closing ??= this.#closeAlive();
    return this.#closing;
  }

  /** The socket doesn't keep the process alive while nobody waits for an answer; who waits for the end does. */
  async #closeAlive(): Promise<void> {
    const alive = setInterval(() => {}, LONGEST_TIMER_MS);
    try {
      await this.#close();
    } finally {
      clearInterval(alive);
    }
  }

  #hold(change: 1 | -1): void {
    const before = this.#holding > 0;
    this.#holding += change;
    const now = this.#holding > 0;
    if (before !== now) this.#opened?.connection.hold(now);
  }

  #open(): Promise<Engine> {
    this.#engine ??= Engine.open(this.options, {
      bell: this.bell,
      groupBell: this.groupBell,
      use: (work) => this.use(work, { keepAlive: false }),
      onDropped: (reason, count) => this.drop(reason, count),
      onCorrupt: (position) => this.#noteCorrupt(position),
      onError: (error) => {
        if (this.#state !== "closed") reportQueueError(error, `Queue "${this.options.stream}"`);
      },
    }).then(
      (engine) => {
        this.#opened = engine;
        engine.connection.hold(this.#holding > 0);
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

  #noteCorrupt(position: number): void {
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
    this.groupBell.close(closedError());
    await Promise.allSettled(this.#underWay);
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.close();
  }
}

/** What it throws at once is a rejection too. */
async function start<T>(work: (engine: Engine) => Promise<T>, engine: Engine): Promise<T> {
  return work(engine);
}

function closedError(): QueueError {
  return new QueueError("QUEUE_CLOSED", "The queue is closed. Open another instance to go on.");
}
