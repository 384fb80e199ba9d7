import type { AnyContracts, EventLineage } from "@ringrift/envelope";
import { type EventQueue, PermanentError, type StoredEvent } from "@ringrift/event-queue";
import { decodePayload, encodePayload, MAX_PAYLOAD_BYTES } from "@ringrift/event-queue/backend";
import { CoordinatorError } from "../errors.ts";

/** A queue whatever its contracts: what bridges work with, after the catalogue has given the names. */
export type AnyQueue = EventQueue<AnyContracts>;

type Metadata = Readonly<Record<string, unknown>>;

const METADATA = "ringrift-metadata";
const NODE = "ringrift-node";
/** Stands for "the payload is the metadata", as in the guide's form of an event. */
const SAME = "=payload";
/** What metadata without a field is written as; it needs no header. */
const EMPTY = "{}";

/**
 * What of a topic event is neither payload nor lineage, as headers of its stored form.
 *
 * @throws CoordinatorError `METADATA_NOT_JSON`
 */
export function toHeaders(
  { payload, metadata }: { readonly payload: unknown; readonly metadata: Metadata },
  node: string | undefined,
  more?: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = { ...more };
  const text = metadata === payload ? SAME : encodeMetadata(metadata);
  if (text !== EMPTY) headers[METADATA] = text;
  if (node !== undefined) headers[NODE] = node;
  return headers;
}

/** As strict as with payloads: what `JSON.stringify` would leave out or change in silence is refused. */
function encodeMetadata(metadata: Metadata): string {
  try {
    // How long it may be is for the queue to say: it is a header.
    return encodePayload(metadata, { name: "metadata", maxBytes: MAX_PAYLOAD_BYTES });
  } catch (cause) {
    throw new CoordinatorError(
      "METADATA_NOT_JSON",
      `Metadata can't leave the process: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/**
 * The metadata a stored event was published with.
 *
 * @throws PermanentError when something else wrote it: a retry can't help
 */
export function metadataOf(event: StoredEvent): Metadata {
  const text = event.headers[METADATA];
  if (text === undefined) return {};
  try {
    const metadata = text === SAME ? event.payload : decodePayload(text);
    if (typeof metadata === "object" && metadata !== null) return metadata as Metadata;
    throw new TypeError(`It is ${text.slice(0, 60)}, which is no object.`);
  } catch (cause) {
    throw new PermanentError(
      `The metadata of event ${event.id} ("${event.type}") can't be read: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
