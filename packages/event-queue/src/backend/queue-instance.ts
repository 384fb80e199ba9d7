import { Bell, LONGEST_TIMER_MS } from "../reading/bell.ts";
import type { Consumer } from "../contract/consumer.ts";
import { ConsumerMiddlewares } from "../consuming/middleware-chain.ts";
import { DeadLetterNotices } from "../failures/dead-letter-notices.ts";
import type { RedactError } from "../failures/error-data.ts";
import { QueueError } from "../failures/errors.ts";
import type { StoredEvent } from "../contract/events.ts";
import { reportQueueError } from "../failures/queue-errors.ts";
import { ChildIds } from "../sending/child-ids.ts";
import { closedError } from "./closed-error.ts";
import type { Interception } from "./interception.ts";
import type { BackendHost, BackendKind, QueueBackend } from "./queue-backend.ts";

/** Events that can't be read are remembered by position, so that each is counted once; at most so many. */
const MOST_CORRUPT = 10_000;

/** How a call is made. */
export interface CallOptions {
  /** Whether it keeps the process alive until it is done, where the backend doesn't by itself. @default true */
  readonly keepAlive?: boolean | undefined;
}

/** The life of one queue instance: opens on first use, counts, and ends what it has to when it closes. */
export class QueueInstance<B extends QueueBackend = QueueBackend> {
  readonly kind: BackendKind<B>;
  readonly bell: Bell = new Bell();
  readonly counts: { sent: number; duplicates: number; received: number } = {
    sent: 0,
    duplicates: 0,
    received: 0,
  };
  readonly dropped: Map<string, number> = new Map();
  readonly deadLetterNotices: DeadLetterNotices = new DeadLetterNotices();
  /** What is kept of the errors of handlers. */
  redactError: RedactError | undefined;
  readonly middlewares: ConsumerMiddlewares = new ConsumerMiddlewares();
  /** Positions of events that could not be read. */
  readonly corrupt: Set<number> = new Set();
  readonly #consumers = new Set<Consumer>();
  readonly #ending = new AbortController();
  /** Calls that a close has to wait for. Counted, since a set keeps what it gave up until the next full collection. */
  #underWay = 0;
  /** How many of them keep the process alive. */
  #holding = 0;
  #quiet: PromiseWithResolvers<void> | undefined;
  #opening: Promise<B> | undefined;
  /** The backend, once it is open. */
  #backend: B | undefined;
  #childIds: ChildIds | undefined;
  #interception: Interception | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;

  constructor(kind: BackendKind<B>) {
    this.kind = kind;
  }

  /** Made with the secret of the log; `undefined` until it is open. */
  get childIds(): ChildIds | undefined {
    return this.#childIds;
  }

  /** Works on the log; opens it first if need be. Handlers still send and ack while the queue is closing. */
  use<T>(work: (backend: B) => Promise<T>, { keepAlive = true }: CallOptions = {}): Promise<T> {
    if (this.#state === "closed") return Promise.reject(closedError());
    const done =
      this.#interception === undefined
        ? this.#run(work)
        : this.#interception.call(() => this.#run(work));
    this.#underWay += 1;
    if (!keepAlive) {
      done.then(this.#over, this.#over);
      return done;
    }
    this.#hold(1);
    done.then(this.#overHeld, this.#overHeld);
    return done;
  }

  /** For tests: puts something between this instance and its backend, from the next call on. */
  intercept(interception: Interception): void {
    this.#interception = interception;
  }

  /**
   * For tests: ends the instance as the end of its process would. No call is answered any more and none reaches the
   * backend; nothing is given back. Frees what the backend holds in this process.
   */
  async cutOff(): Promise<void> {
    this.intercept({ call: () => new Promise(() => {}), ring: () => {} });
    for (const consumer of this.#consumers) consumer.unref();
    this.#closing ??= Promise.resolve();
    const backend = await this.#opening?.catch(() => undefined);
    await backend?.close();
  }

  /** The same for an append or a call of a lease: these are many. */
  write<T>(work: (backend: B) => Promise<T>): Promise<T> {
    const backend = this.#backend;
    if (!this.kind.closeFlushes || backend === undefined || this.#interception !== undefined) {
      return this.use(work);
    }
    return this.#state === "closed" ? Promise.reject(closedError()) : begun(work, backend);
  }

  /** Counts what a send gave. */
  countSent({ duplicate }: StoredEvent): void {
    this.counts[duplicate === true ? "duplicates" : "sent"] += 1;
  }

  /** Counts what a send was refused for, where it is more than a mistake in the call. */
  countRefused(error: unknown): void {
    if (error instanceof QueueError && error.code === "ID_TAKEN") this.#drop("id-taken", 1);
  }

  /** For calls that need no backend. */
  refuseWhenClosed(): void {
    if (this.#state === "closed") throw closedError();
  }

  /** Nothing that lives on may begin any more. */
  refuseWhenClosing(): void {
    if (this.#state !== "open") throw closedError();
  }

  /** `leave` is called when it has ended; nobody waits for it but a close. */
  adopt(consumer: Consumer, leave: () => Promise<void>): void {
    this.#consumers.add(consumer);
    void consumer.ended.then(async () => {
      this.#consumers.delete(consumer);
      // It may fail: whoever doesn't say that it leaves is missed a little later.
      await leave().catch(() => {});
    });
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

  #run<T>(work: (backend: B) => Promise<T>): Promise<T> {
    const backend = this.#backend;
    return backend === undefined ? this.#open().then(work) : begun(work, backend);
  }

  readonly #over = (): void => {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#quiet?.resolve();
  };

  readonly #overHeld = (): void => {
    this.#hold(-1);
    this.#over();
  };

  #hold(change: 1 | -1): void {
    this.#holding += change;
    // Only the first and the last of them change anything.
    if (this.#holding === (change === 1 ? 1 : 0)) this.#backend?.hold?.(change === 1);
  }

  #open(): Promise<B> {
    this.#opening ??= this.kind.open(this.#host()).then(
      (backend) => {
        this.#backend = backend;
        this.#childIds = new ChildIds(backend.secret);
        backend.hold?.(this.#holding > 0);
        return backend;
      },
      (error: unknown) => {
        // What is wrong may be put right: the next call tries again.
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  #host(): BackendHost {
    const { bell } = this;
    return {
      bell: {
        ring: () => {
          if (this.#interception === undefined) bell.ring();
          else this.#interception.ring(() => bell.ring());
        },
        close: (reason) => bell.close(reason),
      },
      ending: this.#ending.signal,
      inBackground: (work) => this.use(work, { keepAlive: false }),
      onDropped: (reason, count) => this.#drop(reason, count),
      onCorrupt: (position) => this.#noteCorrupt(position),
      onDeadLetter: (notice) => this.deadLetterNotices.tell(notice),
      onError: (error) => {
        if (this.#state !== "closed") reportQueueError(error, `Queue (${this.kind.name})`);
      },
    };
  }

  #drop(reason: string, count: number): void {
    if (count > 0) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  #noteCorrupt(position: number): void {
    if (this.corrupt.has(position) || this.corrupt.size >= MOST_CORRUPT) return;
    this.corrupt.add(position);
    this.#drop("corrupt", 1);
  }

  /** Whoever waits for the end is kept alive until it has come. */
  async #closeAlive(): Promise<void> {
    const alive = setInterval(() => {}, LONGEST_TIMER_MS);
    try {
      await this.#close();
    } finally {
      clearInterval(alive);
    }
  }

  async #close(): Promise<void> {
    this.#state = "closing";
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    this.#ending.abort();
    this.#state = "closed";
    this.bell.close(closedError());
    await this.#whenQuiet();
    const backend = await this.#opening?.catch(() => undefined);
    await backend?.close();
  }

  /** Resolves when no call is under way. */
  async #whenQuiet(): Promise<void> {
    if (this.#underWay === 0) return;
    this.#quiet = Promise.withResolvers();
    await this.#quiet.promise;
  }
}

/** What it throws at once is a rejection too. */
function begun<B, T>(work: (backend: B) => Promise<T>, backend: B): Promise<T> {
  try {
    return work(backend);
  } catch (error) {
    return new Promise((_, reject) => {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is whatever was thrown
      reject(error);
    });
  }
}
