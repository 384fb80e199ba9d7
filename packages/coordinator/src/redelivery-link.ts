import { type EventBus, linkToQueue, type QueueLink } from "@ringrift/core-bus";
import type { AnyContracts, TrailWatch } from "@ringrift/envelope";
import { type ChildIds, EventHandling } from "@ringrift/event-queue/backend";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { StageEventBus } from "@ringrift/stage-events";
import { recentIdsOf } from "./recent-ids.ts";

export interface RedeliveryLinkOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly stages: StageEventBus<AnyContracts>;
  readonly catalogue: AnyCatalogue;
  /** The node's name. An unnamed one never gets an event again after its end, so that the bus's own id will do. */
  readonly node: string | undefined;
  readonly childIds: ChildIds | undefined;
  readonly watch: TrailWatch;
}

/**
 * Tells the buses which of their events the queue may deliver again: what handlers of those publish has the same id at
 * each attempt, also when the first one was the local dispatch of an event of this node. Returns what ends it.
 */
export function linkRedelivery(options: RedeliveryLinkOptions): () => void {
  const { bus, stages, catalogue, node, childIds, watch } = options;
  const scope = node ?? bus.id;
  const queueTypeOf = (topic: string): string | undefined =>
    catalogue.entries.get(topic)?.crossProcess;
  const ends = [
    linkToQueue(bus, {
      // The queue's name is the one that every call comes to, `queue.send` included.
      typeOf: (topic) => queueTypeOf(topic) ?? topic,
      takes: takes(bus),
      handlingOf: (event) =>
        queueTypeOf(event.topic) === undefined
          ? undefined
          : new EventHandling({ scope, parent: event, childIds }),
      sees: (event) => watch.see(event),
    }),
    linkToQueue(stages.bus, {
      // A stage's result isn't the event of a topic, though it goes on as one, under its id.
      typeOf: (stage) => `stage:${stage}`,
      takes: takes(stages.bus),
      // A queue delivers topics, not stages: what a stage's handlers publish belongs to whoever emitted it.
      handlingOf: () => undefined,
      sees: () => {},
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function takes(bus: object): QueueLink["takes"] {
  return (id) => {
    const known = recentIdsOf(bus);
    if (known.has(id)) return false;
    known.add(id);
    return true;
  };
}
