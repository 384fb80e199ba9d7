import type { EventBus } from "@ringrift/core-bus";
import {
  type AnyContracts,
  createLineage,
  currentEvent,
  currentScope,
  passedVia,
} from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "./counters.ts";
import type { DurablePublishOptions, PublishReceipt } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import { queueType } from "./queue-type.ts";
import { recentIdsOf } from "./recent-ids.ts";
import { type AnyQueue, toHeaders } from "./wire.ts";

export interface PublisherOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly queue: AnyQueue;
  readonly catalogue: AnyCatalogue;
  readonly node: string | undefined;
  readonly counters: Counters;
  readonly outbound: Outbound;
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
  const { bus, queue, catalogue, node, counters, outbound } = parts;
  const { metadata = {}, headers, source, correlationId, traceparent, key, dedupeKey } = options;
  const type = queueType(catalogue, topic, "publish");
  const content = { payload, metadata, key, headers, source, correlationId };
  const child = dedupeKey === undefined ? currentScope()?.child(type, content) : undefined;
  const inherited = { source, correlationId, traceparent, parent: currentEvent() };
  const lineage = createLineage({ ...inherited, id: child?.id });
  // The echo may arrive before the send has resolved, so the event is known as ours before that.
  const local = outbound.expect(lineage.id);
  let isStored = false;
  try {
    const stored = await queue.send(type, payload, {
      lineage: passedVia(lineage, bus.id),
      headers: toHeaders(payload, metadata, node, headers),
      key,
      dedupeKey,
    });
    if (stored.duplicate) {
      const { id, position } = stored;
      return { id, position, duplicate: true, delivered: 0, errors: [] };
    }
    isStored = true;
    counters.forward("topicToQueue");
    const receipt = { id: lineage.id, position: stored.position, duplicate: false };
    if (child !== undefined) {
      const known = recentIdsOf(bus);
      // An earlier attempt has published it on the bus, where it could not be stored.
      if (known.has(child.id)) return { ...receipt, delivered: 0, errors: [] };
      known.add(child.id);
    }
    try {
      const { delivered, errors } = await outbound.carry(lineage.id, () =>
        bus.publish(topic, payload, { lineage, metadata }),
      );
      return { ...receipt, delivered, errors };
    } catch (error) {
      // A rejection would mean "not stored", and the caller would publish again.
      return { ...receipt, delivered: 0, errors: [toError(error)] };
    }
  } catch (error) {
    child?.giveBack();
    throw error;
  } finally {
    local.settle(isStored);
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
