import type { StoredEvent } from "@ringrift/event-queue";
import { toStoredEvent } from "@ringrift/event-queue/backend";
import { type MessagePlace, type MessageSource, readEvent } from "../messages/event-message.ts";
import type { EventPlace } from "./lease.ts";
import type { Names } from "../server/names.ts";

/** An event on its way to be leased. */
export interface Candidate {
  readonly source: MessageSource;
  readonly place: EventPlace;
  readonly id: string;
  /** The event, or why it can't be read. */
  readonly content: StoredEvent | { readonly error: unknown };
}

/** Reads a message of the log, or one that was redriven. */
export function candidateOf(
  source: MessageSource,
  names: Names,
  from: MessagePlace = "log",
): Candidate {
  const read = readEvent(source, names, from);
  const { position, type, storedAt } = "event" in read ? read.event : read.broken;
  const place = { position, type, storedAt };
  if ("broken" in read) return { source, place, id: "", content: read.broken };
  const { id } = read.event.lineage;
  try {
    return { source, place, id, content: toStoredEvent(read.event) };
  } catch (error) {
    return { source, place, id, content: { error } };
  }
}
