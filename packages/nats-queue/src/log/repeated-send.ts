import type { StoredEvent } from "@ringrift/event-queue";
import { type OutgoingRecord, requireSameEvent } from "@ringrift/event-queue/backend";
import type { EventLog } from "./event-log.ts";
import { eventOf } from "../messages/event-message.ts";

/** A send that the server knows already. */
export interface RepeatedSend {
  readonly record: OutgoingRecord;
  /** Of what it knows. */
  readonly position: number;
  readonly storedAt: number;
  /** Whether an earlier try of this very send, whose answer was lost, may be what it knows. */
  readonly isRetry: boolean;
}

/**
 * Gives the event that was stored first in place of one that is sent again.
 *
 * @throws QueueError (rejects) `ID_TAKEN`
 */
export async function firstOf(log: EventLog, send: RepeatedSend): Promise<StoredEvent> {
  const { record, position, storedAt, isRetry } = send;
  const first = await log.at(position);
  requireSame(record, first);
  // Its event is no longer retained: that it was there is all that is known.
  if (first === undefined) return { ...eventOf(record, position, storedAt), duplicate: true };
  if (isRetry && record.fresh && first.id === record.lineage.id) return first;
  return { ...first, duplicate: true };
}

/**
 * What the server knew by its id must be the event; what it knew by its dedupe key answers, whatever it is.
 *
 * @throws QueueError `ID_TAKEN`
 */
export function requireSame(record: OutgoingRecord, first: StoredEvent | undefined): void {
  if (record.dedupeKey === undefined) requireSameId(record, first);
}

/**
 * The same for what was found by its id, though the event has a dedupe key.
 *
 * @throws QueueError `ID_TAKEN`
 */
export function requireSameId(record: OutgoingRecord, first: StoredEvent | undefined): void {
  if (record.fresh || first === undefined || first.id !== record.lineage.id) return;
  requireSameEvent(record, { type: first.type, body: JSON.stringify(first.payload) });
}
