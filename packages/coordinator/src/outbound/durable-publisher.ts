import type { EventBus } from "@ringrift/core-bus";
import {
  type AnyContracts,
  createLineage,
  currentEvent,
  currentScope,
  type EventLineage,
  passedVia,
  pickLineage,
} from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "../carrying/counters.ts";
import { notRunning } from "./not-stored.ts";
import type { DurablePublishOptions, PublishReceipt } from "../options/options.ts";
import { checkOutcome } from "../carrying/outcome.ts";
import type { Outbound } from "./outbound.ts";
import type { OwnEvents } from "./own-events.ts";
import { queueType } from "../carrying/queue-type.ts";
import { recentIdsOf, takesChild } from "../carrying/recent-ids.ts";
import { mayBeStored } from "./spool.ts";
import { type AnyQueue, metadataOf, toHeaders } from "../carrying/wire.ts";

/** What a durable publisher works with. */
export interface DurablePublisherParts {
  readonly bus: EventBus<AnyContracts>;
  readonly queue: AnyQueue;
  readonly catalogue: AnyCatalogue;
  readonly node: string | undefined;
  readonly counters: Counters;
  readonly outbound: Outbound;
  readonly own: OwnEvents;
}

/** What an event is dispatched with. */
interface Details {
  readonly lineage: EventLineage;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly redelivered?: boolean;
}

type Dispatched = Pick<PublishReceipt, "delivered" | "errors">;

const NOBODY: Dispatched = { delivered: 0, errors: [] };

/**
 * Durable publish: stores the event first and dispatches it locally afterwards, so that no local handler
 * acts on an event that other processes will never see.
 */
export class DurablePublisher {
  readonly #parts: DurablePublisherParts;

  constructor(parts: DurablePublisherParts) {
    this.#parts = parts;
  }

  async publish(
    topic: string,
    payload: unknown,
    options: DurablePublishOptions = {},
  ): Promise<PublishReceipt> {
    const { bus, catalogue, node, counters, outbound, own } = this.#parts;
    const { metadata = {}, headers, source, correlationId, traceparent, key, dedupeKey } = options;
    const type = queueType(catalogue, topic, "publish");
    checkOutcome(catalogue, topic, payload);
    const parent = currentEvent();
    if (!outbound.takes(parent?.id)) throw notRunning(type);
    const allHeaders = toHeaders({ payload, metadata }, node, headers);
    const content = { payload, metadata, key, headers, source, correlationId };
    const child = dedupeKey === undefined ? currentScope()?.child(type, content) : undefined;
    const lineage = createLineage({ source, correlationId, traceparent, parent, id: child?.id });
    const { id } = lineage;
    // The echo may arrive before the send has resolved, so the event is known as ours before that.
    const settle = own.expect(id, lineage.causationId);
    try {
      const stored = await this.#send(type, payload, {
        lineage: passedVia(lineage, bus.id),
        headers: allHeaders,
        key,
        dedupeKey,
      });
      const { position } = stored;
      if (stored.duplicate && stored.id !== id) {
        const found = await this.#dispatchFound(topic, stored);
        return { id: stored.id, position, duplicate: true, ...found };
      }
      const duplicate = child !== undefined && stored.duplicate === true;
      if (!duplicate) counters.forward("topicToQueue");
      const isDue = child === undefined || this.#isDueHere(stored);
      const details = { lineage, metadata, ...(child?.redelivered && { redelivered: true }) };
      const dispatched = isDue ? await this.#dispatch(topic, payload, details) : NOBODY;
      return { id, position, duplicate, ...dispatched };
    } catch (error) {
      child?.giveBack();
      throw error;
    } finally {
      settle();
    }
  }

  async #send(
    type: string,
    payload: unknown,
    options: Parameters<AnyQueue["send"]>[2] & Pick<Details, "lineage">,
  ): Promise<StoredEvent> {
    const { queue, bus, own } = this.#parts;
    try {
      const stored = await queue.send(type, payload, options);
      own.storedAt(stored.position);
      return stored;
    } catch (error) {
      const { id } = options.lineage;
      // It is dispatched when it turns out to be stored: by its echo, or by a retry that gets it as a duplicate. Unless it
      // is a child that an earlier attempt has dispatched.
      if (mayBeStored(error) && !recentIdsOf(bus).hasHad(id)) own.lose(id);
      throw error;
    }
  }

  /** Whether a child is dispatched here now: unless this bus has had it, or gets it from the queue. */
  #isDueHere({ id, duplicate, via }: StoredEvent): boolean {
    const { bus, own } = this.#parts;
    own.find(id);
    // Another process has stored it, at an earlier attempt.
    if (duplicate && !via.includes(bus.id)) return false;
    return takesChild(bus, id);
  }

  /** Calls the handlers here. A rejection would mean "not stored", and the caller would publish again. */
  async #dispatch(topic: string, payload: unknown, details: Details): Promise<Dispatched> {
    const { bus, outbound } = this.#parts;
    try {
      const { delivered, errors } = await outbound.carry(details.lineage.id, () =>
        bus.publish(topic, payload, details),
      );
      return { delivered, errors };
    } catch (error) {
      return { delivered: 0, errors: [toError(error)] };
    }
  }

  /** Dispatches the event that was stored first, if that was a publish of this bus whose answer was lost. */
  async #dispatchFound(topic: string, stored: StoredEvent): Promise<Dispatched> {
    const { bus, own } = this.#parts;
    if (!own.find(stored.id)) return NOBODY;
    const settle = own.expect(stored.id, stored.causationId);
    try {
      return await this.#dispatch(topic, stored.payload, detailsOf(stored, bus.id));
    } finally {
      settle();
    }
  }
}

/** What an own event is published with that was stored and never dispatched: as if it hadn't passed this bus. */
export function detailsOf(stored: StoredEvent, bus: string): Details {
  const lineage = pickLineage(stored);
  return {
    lineage: { ...lineage, via: lineage.via.filter((passed) => passed !== bus) },
    metadata: metadataOf(stored),
  };
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
