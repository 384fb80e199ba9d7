import type { EventBus } from "@ringrift/core-bus";
import { type AnyContracts, type EventLineage, MAX_HOPS, pickLineage } from "@ringrift/envelope";
import {
  type Consumer,
  type ConsumerGroup,
  type DeliveryContext,
  PermanentError,
  type StoredEvent,
} from "@ringrift/event-queue";
import { settleAfter, whenSettled } from "@ringrift/event-queue/backend";
import type { AnyCatalogue } from "@ringrift/mappings";
import { BusMarks } from "../carrying/bus-marks.ts";
import type { Counters } from "../carrying/counters.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { wrongOutcome } from "../carrying/outcome.ts";
import type { OwnEvents } from "../outbound/own-events.ts";
import { detailsOf } from "../outbound/durable-publisher.ts";
import { recentIdsOf } from "../carrying/recent-ids.ts";
import type { UnknownTypes } from "./unknown-types.ts";
import { metadataOf, nodeOf } from "../carrying/wire.ts";

export interface InboundOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly group: ConsumerGroup<AnyContracts>;
  readonly catalogue: AnyCatalogue;
  /** This node's name; `undefined` when it has none. */
  readonly node: string | undefined;
  readonly counters: Counters;
  readonly outbound: Outbound;
  readonly own: OwnEvents;
  /** Lives as long as the coordinator: it warns once, however often that is started. */
  readonly unknown: UnknownTypes;
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
  /** Ids of the events that it has and that are not settled. */
  readonly #unsettled = new Set<string>();
  #consumer: Consumer | undefined;
  #failure: Error | undefined;
  #maxAttempts = Number.POSITIVE_INFINITY;
  #marks: BusMarks = BusMarks.NONE;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /**
   * `maxAttempts`: after so many the group sets an event aside. `marks`: what the stops of buses before this one left.
   */
  start(maxAttempts: number, marks: BusMarks): void {
    this.#maxAttempts = maxAttempts;
    this.#marks = marks;
    const { group, onError } = this.#options;
    // The coordinator keeps the process alive, or doesn't.
    this.#consumer = group
      .consume({ concurrency: IN_FLIGHT, onError }, (event, context) =>
        this.#receive(event, context),
      )
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

  /** Ids of the events that it has and that are not settled: their handlers are running, or their acks are under way. */
  unsettled(): Iterable<string> {
    return this.#unsettled;
  }

  async #receive(event: StoredEvent, context: DeliveryContext): Promise<void> {
    const { counters, bus, own, unknown } = this.#options;
    own.hasCome(event.id);
    if (event.via.includes(bus.id)) return this.#passOwn(event, context);
    if (this.#marks.has(event)) return counters.countOwn();
    const { catalogue } = this.#options;
    const entry = catalogue.entryForQueue(event.type);
    if (!entry) {
      counters.drop("unmapped");
      return unknown.warn(event.type);
    }
    const wrong = wrongOutcome(catalogue, entry.topic, event);
    if (wrong) {
      counters.drop("invalid");
      throw wrong;
    }
    if (event.via.length >= MAX_HOPS) return counters.drop("hop-limit");
    const seen = recentIdsOf(bus);
    const published = own.dispatchOf(event.id);
    if (published) return this.#receiveChild(event, context, { topic: entry.topic, published });
    // A redelivery is let through while its handlers run: what caused it may have cut them short.
    const isKnown = event.redelivered ? seen.isDone(event.id) : seen.has(event.id);
    if (isKnown) return this.#passDuplicate(event, context);
    seen.begin(event.id);
    await this.#settling(event, context, {
      work: () => this.#dispatch(entry.topic, event),
      onSettled: (isAcked) => seen.end(event.id, isAcked),
    });
  }

  /** Another way brought it: if that is under way, this one is passed after it, so that a crash loses neither. */
  async #passDuplicate({ id }: StoredEvent, context: DeliveryContext): Promise<void> {
    const { bus, counters } = this.#options;
    counters.drop("duplicate");
    const over = recentIdsOf(bus).underWay(id);
    if (over) await settledAfter(context, over);
  }

  /** What another process has stored is being published here, too: that calls the handlers, or leaves it to this. */
  async #receiveChild(
    event: StoredEvent,
    context: DeliveryContext,
    { topic, published }: { readonly topic: string; readonly published: Promise<void> },
  ): Promise<void> {
    const { bus, counters, own } = this.#options;
    const seen = recentIdsOf(bus);
    let isBegun = false;
    const work = async (): Promise<void> => {
      await published;
      own.hasCome(event.id);
      if (seen.has(event.id)) {
        counters.drop("duplicate");
        return seen.underWay(event.id);
      }
      seen.begin(event.id);
      isBegun = true;
      await this.#dispatch(topic, event);
    };
    await this.#settling(event, context, {
      work: () => settledAfter(context, work()),
      onSettled: (isAcked) => isBegun && seen.end(event.id, isAcked),
    });
  }

  /**
   * Passing an own event by means "handled here": not before its handlers have settled. They may wait for what comes
   * after it, so it takes none of the places.
   */
  async #passOwn(event: StoredEvent, context: DeliveryContext): Promise<void> {
    const { counters, own } = this.#options;
    counters.countOwn();
    const { id } = event;
    if (own.dispatchOf(id) === undefined && !own.isLost(id)) return;
    const settled = this.#afterDispatch(event);
    await this.#settling(event, context, {
      work: () => settledAfter(context, settled),
      onSettled: () => {},
    });
  }

  async #afterDispatch(event: StoredEvent): Promise<void> {
    const { bus, catalogue, own } = this.#options;
    await own.dispatchOf(event.id);
    if (!own.find(event.id)) return;
    // A child: nobody is to publish it here once more.
    recentIdsOf(bus).add(event.id);
    // Its answer was lost, and its publisher was told that it is not stored: so no handler here has been called.
    const entry = catalogue.entryForQueue(event.type);
    if (!entry) return;
    const settle = own.expect(event.id, event.causationId);
    try {
      const { lineage } = detailsOf(event, bus.id);
      await this.#dispatch(entry.topic, { ...event, ...lineage, redelivered: false }, true);
    } finally {
      settle();
    }
  }

  /** Has an event among the unsettled ones until its ack, or until `work` is done where the queue doesn't tell. */
  async #settling(
    { id }: StoredEvent,
    context: DeliveryContext,
    how: { readonly work: () => Promise<void>; readonly onSettled: (isAcked: boolean) => unknown },
  ): Promise<void> {
    this.#unsettled.add(id);
    const onSettled = (isAcked: boolean): void => {
      this.#unsettled.delete(id);
      how.onSettled(isAcked);
    };
    const isTold = whenSettled(context, onSettled);
    let isDone = false;
    try {
      await how.work();
      isDone = true;
    } finally {
      if (!isTold) onSettled(isDone);
    }
  }

  #dispatch(topic: string, event: StoredEvent, isNew = false): Promise<void> {
    return this.#options.outbound.carry(event.id, () => this.#publish(topic, event, isNew));
  }

  /** `isNew`: no handler of any bus of this node can have been called for it. */
  async #publish(topic: string, event: StoredEvent, isNew: boolean): Promise<void> {
    const { bus, counters, node, onError } = this.#options;
    const ownFromBefore = !isNew && node !== undefined && nodeOf(event) === node;
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

/** Frees the place of a delivery that settles with `rest`; waits for it where that can't be. */
async function settledAfter(context: DeliveryContext, rest: Promise<unknown>): Promise<void> {
  if (!settleAfter(context, rest)) await rest;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
