import { runDetached, type StartFrom } from "@ringrift/envelope";
import { LONGEST_TIMER_MS } from "./bell.ts";
import { QueueError } from "../failures/errors.ts";
import type { StoredEvent } from "../contract/events.ts";
import type { LogSource } from "./instance-reader.ts";

/** What a stream follows; checked already, defaults filled in. */
export interface StreamRequest {
  readonly eventTypes: readonly string[] | undefined;
  readonly from: StartFrom;
  readonly signal?: AbortSignal | undefined;
}

const PAGE = 100;

/** For backends: a tail of the log, and how the instance ends it when it closes. */
export interface EventStream extends AsyncIterableIterator<StoredEvent>, AsyncDisposable {
  return(): Promise<IteratorResult<StoredEvent>>;
}

/**
 * For backends: follows the log from where it is when called. Ends, without an error, when its signal is
 * aborted, when `return` is called (as `break` does) and when the queue is closed. A failing read rejects
 * `next` and ends it. Keeps the process alive until it ends.
 */
export function createEventStream(source: LogSource, request: StreamRequest): EventStream {
  return new LogStream(source, request);
}

class LogStream implements EventStream {
  readonly #source: LogSource;
  readonly #request: StreamRequest;
  readonly #ending = new AbortController();
  readonly #keepAlive: NodeJS.Timeout;
  #cursor: Promise<number>;
  #page: readonly StoredEvent[] = [];
  #next = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: LogSource, request: StreamRequest) {
    this.#source = source;
    this.#request = request;
    this.#cursor = source.resolve(request.from);
    // Its failure belongs to the first `next`, which may come later.
    this.#cursor.catch(() => {});
    this.#keepAlive = runDetached(() => setInterval(() => {}, LONGEST_TIMER_MS));
    if (request.signal?.aborted === true) this.#finish();
    else request.signal?.addEventListener("abort", this.#finish, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Calls that overlap are answered one after another. */
  next(): Promise<IteratorResult<StoredEvent>> {
    const mine = this.#turn.then(() => this.#pull());
    this.#turn = mine.catch(() => {});
    return mine;
  }

  // oxlint-disable-next-line typescript/require-await -- ending takes no time, the protocol is asynchronous
  async return(): Promise<IteratorResult<StoredEvent>> {
    this.#finish();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #pull(): Promise<IteratorResult<StoredEvent>> {
    try {
      while (!this.#ending.signal.aborted) {
        const event = this.#page[this.#next];
        if (event !== undefined) {
          this.#next += 1;
          return { done: false, value: event };
        }
        await this.#turnPage();
      }
    } catch (error) {
      const ended = this.#ending.signal.aborted || isClosed(error);
      this.#finish();
      if (!ended) throw error;
    }
    return { done: true, value: undefined };
  }

  async #turnPage(): Promise<void> {
    const { bell } = this.#source;
    const { eventTypes } = this.#request;
    const { signal } = this.#ending;
    const seen = bell.version;
    const after = await this.#cursor;
    const { events, scannedTo } = await this.#source.read({ eventTypes, after, limit: PAGE });
    this.#cursor = Promise.resolve(scannedTo);
    this.#page = events;
    this.#next = 0;
    if (events.length === 0) await bell.wait(seen, { signal });
  }

  readonly #finish = (): void => {
    this.#request.signal?.removeEventListener("abort", this.#finish);
    clearInterval(this.#keepAlive);
    this.#ending.abort();
  };
}

function isClosed(error: unknown): boolean {
  return error instanceof QueueError && error.code === "QUEUE_CLOSED";
}
