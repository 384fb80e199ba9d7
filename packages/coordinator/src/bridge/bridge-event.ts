import { MAX_HOPS, passedVia, pickLineage } from "@ringrift/envelope";
import { type OutgoingEvent, PermanentError, type StoredEvent } from "@ringrift/event-queue";
import { outgoingCopy } from "@ringrift/event-queue/backend";
import { selfplayCatalogue } from "@ringrift/mappings";

/** The queues at the two ends of a direction, by their ids. */
export interface BridgeEnds {
  readonly source: string;
  readonly target: string;
}

/** Why an event isn't carried, though nothing is wrong: it was there already, or belongs to its queue. */
export type BridgeSkip = "echo" | "internal";

/** What concerns the nodes of one queue, and would mislead those of another one. */
const SYSTEM_TOPIC = /^(cluster|coordinator)\./;
const SYSTEM_TYPE = /^(RINGRIFT|CLUSTER|COORDINATOR)_/;
/** Their names on the queue that don't show it, e.g. `HOST_ONLINE`. */
const SYSTEM_TYPES: ReadonlySet<string> = new Set(
  [...selfplayCatalogue.entries.values()].flatMap(({ topic, crossProcess }) =>
    SYSTEM_TOPIC.test(topic) ? (crossProcess ?? []) : [],
  ),
);

/** Whether events of a type belong to their own queue, unless somebody names them. */
export function isInternalType(type: string): boolean {
  return SYSTEM_TYPE.test(type) || SYSTEM_TYPES.has(type);
}

/**
 * An event as the other queue is to have it: the same id, key, headers and lineage, with the queue that it leaves in
 * `via`. So `via` names queues that have stored the event, and nothing else needs to be remembered: it never goes to one
 * of these again, not even when that one's retention has removed it.
 *
 * @throws PermanentError when it has passed as many buses and queues as an event may
 */
export function carriedEvent(event: StoredEvent, ends: BridgeEnds): OutgoingEvent | "echo" {
  if (event.via.includes(ends.target)) return "echo";
  const lineage = event.via.includes(ends.source)
    ? pickLineage(event)
    : passedVia(event, ends.source);
  if (lineage.via.length > MAX_HOPS) {
    throw new PermanentError(
      `Event ${event.id} ("${event.type}") has passed ${MAX_HOPS} buses and queues, the most there may be. Join the queues by fewer bridges in a row.`,
    );
  }
  return outgoingCopy(event, lineage);
}
