import { type EventLineage, pickLineage } from "@ringrift/envelope";
import type { OutgoingEvent } from "../contract/event-queue.ts";
import type { StoredEvent } from "../contract/events.ts";

/** An event of one queue as another one is to store it: the same id, type, payload, key and headers. */
export function outgoingCopy(
  event: StoredEvent,
  lineage: EventLineage = pickLineage(event),
): OutgoingEvent {
  const { type, payload, headers, key } = event;
  return { type, payload, headers, lineage, ...(key !== undefined && { key }) };
}
