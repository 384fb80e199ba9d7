import type { EventBus } from "@ringrift/core-bus";
import {
  type AnyContracts,
  createLineage,
  currentEvent,
  passedVia,
  pickLineage,
} from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "./counters.ts";
import { notRunning } from "./not-stored.ts";
import type { DurablePublishOptions, PublishReceipt } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import type { OwnEvents } from "./own-events.ts";
import { queueType } from "./queue-type.ts";
import { mayBeStored } from "./spool.ts";
import { type AnyQueue, metadataOf, toHeaders } from "./wire.ts";

export interface PublisherOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly queue: AnyQueue;
  readonly catalogue: AnyCatalogue;
  readonly node: string | undefined;
  readonly counters: Counters;
  readonly outbound: Outbound;
  readonly own: OwnEvents;
}

/**
 * Durable publish: stores the event first and dispatches it locally afterwards, so that no local handler
 * acts on an event that other processes will never see.
 */
export async function publishDurably(
  parts: PublisherOptions,
  topic: string,
  payload: unknown,
  options: DurablePublishOptions = {},
): Promise<PublishReceipt> {
  const { bus, catalogue, node, counters, outbound, own } = parts;
  const { metadata = {}, headers, source, correlationId, traceparent, key, dedupeKey } = options;
  const type = queueType(catalogue, topic, "publish");
  const lineage = createLineage({ source, correlationId, traceparent, parent: currentEvent() });
  const { id, causationId } = lineage;
  if (!outbound.takes(causationId)) throw notRunning(type);
  const allHeaders = toHeaders(payload, metadata, node, headers);
  // The echo may arrive before the send has resolved, so the event is known as ours before that.
  const settle = own.expect(id, causationId);
  try {
    const stored = await sendOwn(parts, type, payload, {
      lineage: passedVia(lineage, bus.id),
      headers: allHeaders,
      key,
      dedupeKey,
    });
    const { position } = stored;
    if (stored.duplicate && stored.id !== id) {
      const found = await dispatchFound(parts, topic, stored);
      return { id: stored.id, position, duplicate: true, ...found };
    }
    counters.forward("topicToQueue");
    const details = { lineage, metadata };
    return { id, position, duplicate: false, ...(await dispatch(parts, topic, payload, details)) };
  } finally {
    settle();
  }
}

type Details = {
  readonly lineage: ReturnType<typeof pickLineage>;
  readonly metadata: Readonly<Record<string, unknown>>;
};

async function sendOwn(
  { queue, own }: PublisherOptions,
  type: string,
  payload: unknown,
  options: Parameters<AnyQueue["send"]>[2] & Pick<Details, "lineage">,
): Promise<StoredEvent> {
  try {
    const stored = await queue.send(type, payload, options);
    own.storedAt(stored.position);
    return stored;
  } catch (error) {
    // It is dispatched when it turns out to be stored: by its echo, or by a retry that gets it as a duplicate.
    if (mayBeStored(error)) own.lose(options.lineage.id);
    throw error;
  }
}

/** Calls the handlers here. A rejection would mean "not stored", and the caller would publish again. */
async function dispatch(
  { bus, outbound }: PublisherOptions,
  topic: string,
  payload: unknown,
  details: Details,
): Promise<Pick<PublishReceipt, "delivered" | "errors">> {
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
async function dispatchFound(
  parts: PublisherOptions,
  topic: string,
  stored: StoredEvent,
): Promise<Pick<PublishReceipt, "delivered" | "errors">> {
  const { bus, own } = parts;
  if (!own.find(stored.id)) return { delivered: 0, errors: [] };
  const settle = own.expect(stored.id, stored.causationId);
  try {
    return await dispatch(parts, topic, stored.payload, detailsOf(stored, bus.id));
  } finally {
    settle();
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
