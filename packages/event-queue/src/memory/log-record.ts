import type { EventLineage } from "@ringrift/envelope";
import type { StoredEvent } from "../events.ts";
import { decodePayload } from "../payload.ts";

/** One event in memory. The payload is text, as in any other log: nobody can change what is stored. */
export interface LogRecord {
  readonly lineage: EventLineage;
  /** 0 while it is delayed. */
  readonly position: number;
  readonly type: string;
  readonly body: string;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly storedAt: number;
  /** When it enters the log, while it is delayed. */
  readonly dueAt?: number | undefined;
}

/** Makes the event that a caller sees, with a payload of its own. */
export function toStoredEvent(record: LogRecord, attempt = 0, redelivered = false): StoredEvent {
  const { lineage, position, type, body, key, headers, storedAt, dueAt } = record;
  return {
    ...lineage,
    position,
    type,
    payload: decodePayload(body),
    ...(key !== undefined && { key }),
    headers,
    storedAt,
    ...(dueAt !== undefined && { dueAt }),
    attempt,
    redelivered,
  };
}
