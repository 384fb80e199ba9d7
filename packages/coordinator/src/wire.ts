import type { AnyContracts, EventLineage } from "@ringrift/envelope";
import type { EventQueue, StoredEvent } from "@ringrift/event-queue";

/** A queue whatever its contracts: what bridges work with, after the catalogue has given the names. */
export type AnyQueue = EventQueue<AnyContracts>;

type Metadata = Readonly<Record<string, unknown>>;

const METADATA = "ringrift-metadata";
const NODE = "ringrift-node";
/** Stands for "the payload is the metadata", as in the guide's form of an event. */
const SAME = "=payload";

/** What of a topic event is neither payload nor lineage, as headers of its stored form. */
export function toHeaders(
  payload: unknown,
  metadata: Metadata,
  node: string | undefined,
  more?: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = { ...more };
  if (metadata === payload) headers[METADATA] = SAME;
  else if (Object.keys(metadata).length > 0) headers[METADATA] = JSON.stringify(metadata);
  if (node !== undefined) headers[NODE] = node;
  return headers;
}

/** The metadata a stored event was published with. */
export function metadataOf(event: StoredEvent): Metadata {
  const text = event.headers[METADATA];
  if (text === undefined) return {};
  return (text === SAME ? event.payload : JSON.parse(text)) as Metadata;
}

/** Name of the node that stored the event, if it had one. */
export function nodeOf(event: StoredEvent): string | undefined {
  return event.headers[NODE];
}

/** A topic event on its way to or from the queue. */
export interface CarriedEvent {
  readonly type: string;
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly lineage: EventLineage;
}
