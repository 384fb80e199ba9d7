import {
  type BusEvent,
  type EventBus,
  isRepeated,
  settled,
  type Subscription,
} from "@ringrift/core-bus";
import { type AnyContracts, pickLineage } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "./counters.ts";
import { settledOrAborted } from "./deadline.ts";
import { CoordinatorError } from "./errors.ts";
import { recentIdsOf } from "./recent-ids.ts";
import { isRefusal, Spool } from "./spool.ts";
import { type AnyQueue, type CarriedEvent, toHeaders } from "./wire.ts";

export interface OutboundOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly queue: AnyQueue;
  readonly catalogue: AnyCatalogue;
  readonly node: string | undefined;
  readonly counters: Counters;
  readonly spoolLimit: number;
  /** Whether the queue's events come back to this bus, own ones included. */
  readonly readsBack: boolean;
  readonly onError: (error: unknown) => void;
}

/**
 * Topic → queue: stores every mapped event of the bus. It starts before the handlers of the event and
 * is awaited with them, so that the end of `publish` means "stored", or its errors say why not.
 */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #spool: Spool;
  #subscriptions: Subscription[] = [];
  readonly #sending = new Set<Promise<unknown>>();
  /** Events that the queue has already: on their way from it, or stored before they are dispatched. */
  readonly #carried = new Set<string>();
  /** Local dispatch of own events, until the queue shows them to us again. */
  readonly #own = new Map<string, Promise<void>>();
  /** Durable publishes under way, by the id of their event. */
  readonly #publishing = new Map<string, Promise<void>>();
  /** What can't be stored from here on isn't tried again. */
  #ended = false;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#spool = new Spool({
      queue: options.queue,
      limit: options.spoolLimit,
      onStored: (outgoing, stored) => this.#stored(outgoing, stored),
      onGivenUp: (id, error) => {
        this.#own.delete(id);
        options.counters.drop(isRefusal(error) ? "invalid" : "error");
        options.onError(error);
      },
    });
  }

  /** Subscribes exactly the topics that have a name on the queue. */
  attach(): void {
    const { bus, catalogue } = this.#options;
    this.#ended = false;
    this.#spool.open();
    for (const entry of catalogue.entries.values()) {
      if (entry.crossProcess === undefined) continue;
      const type = entry.crossProcess;
      this.#subscriptions.push(
        bus.subscribe(entry.topic, (event: BusEvent) => this.#forward(type, event), {
          priority: Number.MAX_VALUE,
          tap: true,
          name: "topic → queue",
        }),
      );
    }
  }

  detach(): void {
    for (const subscription of this.#subscriptions) subscription();
    this.#subscriptions = [];
  }

  /** Runs a dispatch of an event that the queue has already, so that it isn't sent there again. */
  async carry<T>(id: string, dispatch: () => Promise<T>): Promise<T> {
    this.#carried.add(id);
    try {
      return await dispatch();
    } finally {
      this.#carried.delete(id);
    }
  }

  /** Resolves when the local dispatch of an own event is over; at once when nothing is known of it. */
  async settledLocally(id: string): Promise<void> {
    const dispatch = this.#own.get(id);
    await dispatch;
    this.#own.delete(id);
  }

  /**
   * Announces an own event that is stored before it is dispatched. `settle` says that both are done, or
   * with `false` that it was never stored, so that nobody will ask for it.
   */
  expect(id: string): { settle(stored: boolean): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#track(id, promise);
    this.#publishing.set(id, promise);
    return {
      settle: (stored) => {
        resolve();
        this.#publishing.delete(id);
        if (!stored) this.#own.delete(id);
      },
    };
  }

  /**
   * Waits for durable publishes, their handlers included, at most until the signal aborts. Not for that of
   * event `except`, of whose handling the wait is a part. Returns how many were left.
   */
  async published(except: string | undefined, signal?: AbortSignal): Promise<number> {
    const others = (): Promise<void>[] =>
      Array.from(this.#publishing).flatMap(([id, done]) => (id === except ? [] : done));
    await settledOrAborted(others(), signal);
    return signal?.aborted ? others().length : 0;
  }

  get spooled(): number {
    return this.#spool.size;
  }

  /** Durable publishes under way, and events that are not stored. */
  get unfinished(): number {
    return this.#publishing.size + this.#sending.size + this.#spool.size;
  }

  /** Waits until everything is stored or given up, at most until the signal aborts. */
  async flush(signal?: AbortSignal): Promise<void> {
    await settledOrAborted(this.#sending, signal);
    await this.#spool.drained(signal);
  }

  /**
   * Ends retrying; what is still in the spool is counted as given up. Returns how many those are, with what
   * is on its way to the queue and may be stored yet.
   */
  abandon(): number {
    this.#ended = true;
    return this.#spool.abandon() + this.#sending.size;
  }

  #forward(type: string, event: BusEvent): Promise<void> | undefined {
    if (this.#carried.has(event.id)) return undefined;
    const { node, counters } = this.#options;
    const { payload, metadata } = event;
    let headers: CarriedEvent["headers"];
    try {
      headers = toHeaders(payload, metadata, node);
    } catch (error) {
      // The bus reports what a handler throws, and has it among the errors of the publish.
      counters.drop("invalid");
      throw error;
    }
    const outgoing = { type, payload, headers, lineage: pickLineage(event) };
    // A child that was published before is waited for since then, or has come back already.
    if (!isRepeated(event)) this.#track(event.id, settled(event));
    const sending = this.#send(outgoing);
    this.#sending.add(sending);
    const done = (): void => void this.#sending.delete(sending);
    sending.then(done, done);
    return sending;
  }

  #track(id: string, dispatch: Promise<void>): void {
    // Without the way back nobody would ever ask, and the map would only grow.
    if (this.#options.readsBack) this.#own.set(id, dispatch);
  }

  async #send(outgoing: CarriedEvent): Promise<void> {
    const { queue, counters } = this.#options;
    if (this.#spool.size > 0) {
      // Behind what waits already: the log keeps the order in which things were published.
      throw this.#spooled(outgoing, undefined);
    }
    const { type, payload, headers, lineage } = outgoing;
    try {
      this.#stored(outgoing, await queue.send(type, payload, { headers, lineage }));
    } catch (error) {
      if (isRefusal(error)) {
        this.#own.delete(lineage.id);
        counters.drop("invalid");
        throw error;
      }
      throw this.#spooled(outgoing, error);
    }
  }

  #stored({ lineage }: CarriedEvent, stored: StoredEvent): void {
    const { bus, counters } = this.#options;
    // This bus has the event under its own id: the one stored first must not come here as well.
    if (stored.duplicate) recentIdsOf(bus).add(stored.id);
    // Another process stored it first, for a handler that runs here again: it doesn't come back as an own one.
    if (stored.duplicate && !stored.via.includes(bus.id)) this.#own.delete(lineage.id);
    counters.forward("topicToQueue");
  }

  #spooled(outgoing: CarriedEvent, cause: unknown): unknown {
    const { counters } = this.#options;
    if (!this.#ended && this.#spool.add(outgoing)) {
      return new CoordinatorError(
        "NOT_STORED",
        `Event "${outgoing.type}" (${outgoing.lineage.id}) is not stored yet: ${describe(cause)}. It waits with ${this.#spool.size - 1} others and is retried in order; "flush()" waits for it.`,
        { cause },
      );
    }
    counters.drop("error");
    this.#own.delete(outgoing.lineage.id);
    if (this.#ended) {
      return new CoordinatorError(
        "NOT_STORED",
        `Event "${outgoing.type}" (${outgoing.lineage.id}) was never stored: ${describe(cause)}, and the coordinator has stopped. Give its stop more time.`,
        { cause },
      );
    }
    return new CoordinatorError(
      "NOT_STORED",
      `Event "${outgoing.type}" (${outgoing.lineage.id}) is lost to other processes: the queue refuses and ${this.#spool.size} events wait already. Raise "spoolLimit", or use coordinator.publish, which rejects instead.`,
      { cause },
    );
  }
}

function describe(cause: unknown): string {
  if (cause === undefined) return "earlier events wait for the queue";
  return cause instanceof Error ? cause.message : "it threw something that is no Error";
}
