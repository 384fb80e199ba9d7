import type { EventBus } from "@ringrift/core-bus";
import { type AnyContracts, type EventLineage, MAX_HOPS, pickLineage } from "@ringrift/envelope";
import {
  type Consumer,
  type ConsumerGroup,
  PermanentError,
  type StoredEvent,
} from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "./counters.ts";
import type { Outbound } from "./outbound.ts";
import { recentIdsOf } from "./recent-ids.ts";
import { metadataOf, nodeOf } from "./wire.ts";

export interface InboundOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly group: ConsumerGroup<AnyContracts>;
  readonly catalogue: AnyCatalogue;
  /** This node's name; `undefined` when it has none. */
  readonly node: string | undefined;
  readonly counters: Counters;
  readonly outbound: Outbound;
  /** Gets errors of the queue. */
  readonly onError: (error: unknown) => void;
}

/** Handlers of different events that may run at once: one may wait for the next event. */
const IN_FLIGHT = 16;

/**
 * Queue → topic: what other processes stored is published on this one's bus, with the same id. An event
 * is acked when its handlers have settled, so that a crash in between brings it again.
 */
export class Inbound {
  readonly #options: InboundOptions;
  #consumer: Consumer | undefined;
  #failure: Error | undefined;
  #maxAttempts = Number.POSITIVE_INFINITY;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** `maxAttempts`: after so many the group sets an event aside. */
  start(maxAttempts: number): void {
    this.#maxAttempts = maxAttempts;
    const { group, onError } = this.#options;
    // The coordinator keeps the process alive, or doesn't.
    this.#consumer = group
      .consume({ concurrency: IN_FLIGHT, onError }, (event) => this.#receive(event))
      .unref();
    void this.#consumer.ended.then((failure) => (this.#failure ??= failure));
  }

  /** What ended the reading for good, e.g. that the bus was closed. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Takes no new event and waits for running handlers. Returns how many were left. A second call with a
   * shorter limit cuts the first one short.
   */
  async stop(timeoutMs?: number): Promise<number> {
    return (await this.#consumer?.stop({ timeoutMs }))?.left ?? 0;
  }

  /** Handlers running now. */
  get running(): number {
    return this.#consumer?.stats().inFlight ?? 0;
  }

  async #receive(event: StoredEvent): Promise<void> {
    const { bus, catalogue, counters, outbound } = this.#options;
    if (event.via.includes(bus.id)) {
      // Passing an own event by means "handled here": not before its handlers have settled.
      await outbound.settledLocally(event.id);
      counters.drop("echo");
      return;
    }
    const entry = catalogue.entryForQueue(event.type);
    if (!entry) return counters.drop("unmapped");
    if (event.via.length >= MAX_HOPS) return counters.drop("hop-limit");
    // A redelivery is let through: the crash that caused it may have cut the handlers short.
    const known = recentIdsOf(bus);
    if (known.has(event.id) && !event.redelivered) return counters.drop("duplicate");
    known.add(event.id);
    await outbound.carry(event.id, () => this.#publish(entry.topic, event));
  }

  async #publish(topic: string, event: StoredEvent): Promise<void> {
    const { bus, counters, node, onError } = this.#options;
    const ownFromBefore = node !== undefined && nodeOf(event) === node;
    let lineage: EventLineage;
    let metadata: Readonly<Record<string, unknown>>;
    try {
      lineage = pickLineage(event);
      metadata = metadataOf(event);
    } catch (error) {
      counters.drop("invalid");
      throw error;
    }
    const redelivered = event.redelivered || ownFromBefore;
    try {
      const delivery = await bus.publish(topic, event.payload, {
        lineage,
        metadata,
        ...(redelivered && { redelivered }),
      });
      if (delivery.dropped) counters.drop(delivery.dropped);
      else counters.forward("queueToTopic");
    } catch (error) {
      if (codeOf(error) === "INVALID_PAYLOAD") {
        counters.drop("invalid");
        // The schema will say the same the next time.
        throw new PermanentError(messageOf(error), { cause: error });
      }
      // Trying again on a closed bus would only make dead letters of what the next start can handle.
      if (codeOf(error) === "BUS_CLOSED") this.#end(error);
      else if (event.attempt >= this.#maxAttempts) {
        counters.drop("error");
        onError(error);
      }
      throw error;
    }
  }

  #end(cause: unknown): void {
    if (this.#failure) return;
    this.#failure = cause instanceof Error ? cause : new Error(String(cause));
    this.#options.onError(this.#failure);
    void this.stop();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
