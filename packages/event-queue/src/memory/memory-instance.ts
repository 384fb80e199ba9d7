import { Bell } from "../bell.ts";
import { ConsumerMiddlewares } from "../consumer-middleware.ts";
import type { Consumer } from "../consumer.ts";
import { QueueError } from "../errors.ts";
import type { MemoryLog } from "./memory-log.ts";

/** What belongs to one instance: its counters, and what it has to end when it closes. */
export class MemoryInstance {
  readonly log: MemoryLog;
  readonly bell: Bell = new Bell();
  readonly counts: { sent: number; duplicates: number; received: number } = {
    sent: 0,
    duplicates: 0,
    received: 0,
  };
  readonly dropped: Map<string, number> = new Map();
  readonly middlewares: ConsumerMiddlewares = new ConsumerMiddlewares();
  readonly #consumers = new Set<Consumer>();
  readonly #ending = new AbortController();
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;

  constructor(log: MemoryLog) {
    this.log = log;
    log.bells.add(this.bell);
  }

  /** The log, swept, unless the instance is closed. Handlers still send and ack while it is closing. */
  use(): MemoryLog {
    if (this.#state === "closed") throw closedError();
    this.log.sweep((reason, count) => {
      this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
    });
    return this.log;
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

  async #close(): Promise<void> {
    this.#state = "closing";
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    this.#ending.abort();
    this.#state = "closed";
    this.log.bells.delete(this.bell);
    this.bell.close(closedError());
  }
}

function closedError(): QueueError {
  return new QueueError("QUEUE_CLOSED", "The queue is closed. Open another instance to go on.");
}
