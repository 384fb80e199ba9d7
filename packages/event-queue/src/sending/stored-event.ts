import type { EventLineage } from "@ringrift/envelope";
import type { StoredEvent } from "../contract/events.ts";
import { decodePayload } from "./payload.ts";

/** One event as a log holds it. The payload is text: nobody can change what is stored. */
export interface EventRecord {
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

/**
 * For backends: makes the event that a caller sees, with a payload of its own.
 *
 * @throws QueueError `CORRUPT_EVENT`, `PAYLOAD_FORBIDDEN_KEY`
 */
export function toStoredEvent(record: EventRecord, attempt = 0, redelivered = false): StoredEvent {
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
