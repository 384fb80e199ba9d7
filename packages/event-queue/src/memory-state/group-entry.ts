import type { DeadLetter } from "../contract/dead-letters.ts";
import type { ErrorData } from "../failures/error-data.ts";
import { type EventRecord, toStoredEvent } from "../sending/stored-event.ts";

/** An event that a group has passed and not settled. */
export interface GroupEntry {
  readonly record: EventRecord;
  /** Deliveries so far. */
  attempt: number;
  /** Not before this moment. */
  dueAt: number;
  lease?: { readonly token: number; readonly until: number } | undefined;
  /** It comes from the dead letters. */
  readonly redriven: boolean;
  readonly failures: {
    readonly attempt: number;
    readonly time: number;
    readonly message: string;
  }[];
}

/** What a claim gave; the token tells this lease from later ones on the same event. */
export interface LeasedEntry {
  readonly record: EventRecord;
  readonly token: number;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly until: number;
}

/** A dead letter with the record it was made from, so that it can be redriven after retention. */
export interface BuriedEntry {
  readonly record: EventRecord;
  readonly group: string;
  readonly attempts: number;
  readonly error: ErrorData;
  readonly history: DeadLetter["history"];
  readonly time: number;
}

/** Makes the dead letter that a caller sees. */
export function toDeadLetter(buried: BuriedEntry): DeadLetter {
  const { record, history, ...rest } = buried;
  const { lineage, type, position, key, headers } = record;
  const payload = payloadOf(record);
  const letter = { id: lineage.id, type, payload, position, headers, ...rest };
  return { ...letter, history: [...history], ...(key !== undefined && { key }) };
}

/** Of another log it may be what nobody could read: shown as the text it is. */
function payloadOf(record: EventRecord): unknown {
  try {
    return toStoredEvent(record).payload;
  } catch {
    return record.body;
  }
}
