import { aFunction, aSignal, checkOptions, isWhole, type Rules } from "../contract/checked.ts";
import { EventBusError } from "../contract/errors.ts";
import type { BusEvent } from "../contract/event.ts";
import { type ReplayOptions, SUBSCRIBE_RULES } from "../contract/subscription.ts";

/** What a stream does with an event that finds its buffer full; what is dropped is counted in `dropped`. */
export type Overflow = "drop-oldest" | "drop-newest" | "error" | "wait";

const POLICIES: readonly Overflow[] = ["drop-oldest", "drop-newest", "error", "wait"];

/** What a stream yields, and what it does when its reader is slower than its events. */
export interface StreamOptions<E = BusEvent> {
  /** Events that may wait to be read, besides those of a replay. @default 256 */
  readonly bufferSize?: number | undefined;
  /**
   * `error` ends the stream: what is buffered can be read, then reading rejects with `STREAM_OVERFLOW`.
   * `wait` drops nothing: an awaited `publish` waits until its event has a place. `publishSync` can't, so
   * what it publishes waits in memory; and a reader that awaits a publish to its own stream while that
   * is full waits for itself. @default "drop-oldest"
   */
  readonly overflow?: Overflow | undefined;
  /** Ends the stream when it aborts, as `break` does; nothing is thrown. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Begin with the retained events, oldest first; no gap and no duplicate. @default false */
  readonly replay?: boolean | ReplayOptions | undefined;
  /** Skips events for which it is false. @default every event passes */
  readonly where?: ((event: E) => boolean) | undefined;
}

/**
 * Events as an async iterator, subscribed since `stream()` was called. `break`, `return()`,
 * `throw()` and disposal end the subscription. One reader at a time.
 */
export interface EventStream<E = BusEvent>
  extends AsyncIterableIterator<E, undefined, void>, AsyncDisposable {
  /** Events lost to the full buffer. */
  readonly dropped: number;
  /** Events that wait to be read. */
  readonly buffered: number;
  return(): Promise<IteratorResult<E, undefined>>;
  [Symbol.asyncIterator](): EventStream<E>;
}

interface Waiting {
  readonly event: BusEvent;
  /** Lets its publisher go on. */
  readonly resolve: () => void;
}

interface Reader {
  readonly resolve: (result: IteratorResult<BusEvent, undefined>) => void;
  readonly reject: (cause: unknown) => void;
}

export interface BufferedStreamParts {
  readonly bufferSize: number;
  readonly overflow: Overflow;
  readonly onDrop: (event: BusEvent) => void;
  /** Ends the subscription. */
  readonly onClose: () => void;
}

/** The buffer between a subscription that pushes and a reader that pulls. */
export class BufferedStream implements EventStream {
  readonly #parts: BufferedStreamParts;
  #past: readonly BusEvent[] = [];
  #pastRead = 0;
  /** A ring of `bufferSize`, so that dropping the oldest costs the same as reading it. */
  readonly #ring: (BusEvent | undefined)[];
  #first = 0;
  #count = 0;
  readonly #readers: Reader[] = [];
  /** Events that wait for a place in the ring. */
  readonly #waiting: Waiting[] = [];
  #open = true;
  #failure: EventBusError | undefined;
  dropped = 0;

  constructor(parts: BufferedStreamParts) {
    this.#parts = parts;
    this.#ring = Array.from({ length: parts.bufferSize });
  }

  get buffered(): number {
    return this.#past.length - this.#pastRead + this.#count + this.#waiting.length;
  }

  /** Takes the events of a replay, which come before everything pushed. */
  begin(past: readonly BusEvent[]): void {
    this.#past = past;
    this.#pastRead = 0;
  }

  /** Takes an event. A promise of its place in the buffer, where the publisher is to wait for it. */
  push(event: BusEvent): Promise<void> | undefined {
    if (!this.#open) return undefined;
    const reader = this.#readers.shift();
    if (reader) {
      reader.resolve({ done: false, value: event });
      return undefined;
    }
    const { bufferSize, overflow } = this.#parts;
    if (this.#count === bufferSize) {
      if (overflow === "wait") {
        return new Promise((resolve) => this.#waiting.push({ event, resolve }));
      }
      this.dropped += 1;
      if (overflow !== "drop-oldest") {
        this.#parts.onDrop(event);
        if (overflow === "error") this.#overflow();
        return undefined;
      }
      const oldest = this.#shift();
      if (oldest) this.#parts.onDrop(oldest);
    }
    this.#put(event);
    return undefined;
  }

  /** Ends the subscription; what is buffered can still be read. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#parts.onClose();
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
    // Nobody has to wait any more; what waits can still be read.
    for (const { resolve } of this.#waiting) resolve();
  }

  /** Ends the subscription and forgets what is buffered. */
  close(): void {
    this.end();
    this.begin([]);
    this.#ring.fill(undefined);
    this.#count = 0;
    this.#waiting.length = 0;
    this.#failure = undefined;
  }

  /** No `async` function: what it gave would settle later than reads that came after it. */
  next(): Promise<IteratorResult<BusEvent, undefined>> {
    const event = this.#readPast() ?? this.#shift();
    if (event) return Promise.resolve({ done: false, value: event });
    if (this.#failure) {
      const failure = this.#failure;
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (!this.#open) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<BusEvent, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  async throw(cause: unknown): Promise<IteratorResult<BusEvent, undefined>> {
    this.close();
    throw cause;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #readPast(): BusEvent | undefined {
    const event = this.#past[this.#pastRead];
    if (!event) return undefined;
    this.#pastRead += 1;
    if (this.#pastRead === this.#past.length) this.begin([]);
    return event;
  }

  #shift(): BusEvent | undefined {
    if (this.#count === 0) return undefined;
    const event = this.#ring[this.#first];
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#ring.length;
    this.#count -= 1;
    const next = this.#waiting.shift();
    if (next) {
      this.#put(next.event);
      next.resolve();
    }
    return event;
  }

  #put(event: BusEvent): void {
    this.#ring[(this.#first + this.#count) % this.#ring.length] = event;
    this.#count += 1;
  }

  #overflow(): void {
    this.#failure = new EventBusError(
      "STREAM_OVERFLOW",
      `The stream's buffer of "${this.#parts.bufferSize}" events was full. Read faster, raise bufferSize, or choose overflow "drop-oldest".`,
    );
    this.end();
  }
}

const RULES: Rules<StreamOptions> = {
  bufferSize: [(value) => isWhole(value, 1), "a whole number of events from 1"],
  overflow: [
    (value) => POLICIES.includes(value as Overflow),
    POLICIES.map((policy) => `"${policy}"`).join(" or "),
  ],
  signal: aSignal,
  replay: SUBSCRIBE_RULES.replay,
  where: aFunction,
};

/** Reads `bufferSize` and `overflow`, and checks all options. */
export function readStreamOptions(options: StreamOptions): {
  readonly bufferSize: number;
  readonly overflow: Overflow;
} {
  checkOptions(options, RULES);
  const { bufferSize = 256, overflow = "drop-oldest" } = options;
  return { bufferSize, overflow };
}
