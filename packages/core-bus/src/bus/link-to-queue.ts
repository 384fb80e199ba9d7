import type { EventBus } from "./bus.ts";
import type { QueueLink } from "../contract/queue-link.ts";
import { TopicBus } from "./topic-bus.ts";

/**
 * For coordinators: lets a bus know which of its events a queue may deliver again, so that what their handlers publish
 * has the same id at each attempt, and is published once on this bus. Returns what ends it. Of several coordinators
 * the first one is asked. A bus of another make is left as it is.
 */
export function linkToQueue(bus: Pick<EventBus, "id">, link: QueueLink): () => void {
  return bus instanceof TopicBus ? bus.link(link) : () => {};
}
