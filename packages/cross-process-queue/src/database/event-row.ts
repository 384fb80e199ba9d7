import { crc32 } from "node:zlib";
import type { StoredEvent } from "@ringrift/event-queue";
import { decodePayload, type OutgoingRecord } from "@ringrift/event-queue/backend";

/** An event as its row in the log. What is NULL there takes no room: most events have no headers, no via. */
export interface EventRow {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly payload: string;
  readonly key: string | null;
  readonly headers: string | null;
  readonly time: number;
  readonly source: string;
  readonly origin: string;
  /** NULL: the event's own id. */
  readonly correlation_id: string | null;
  readonly causation_id: string | null;
  readonly via: string | null;
  readonly traceparent: string | null;
  readonly depth?: number | null;
  readonly causes?: string | null;
  readonly stored_at: number;
  /** Of `checksumOf`; missing in what was repaired by hand, and in copies of it. */
  readonly checksum?: number | null;
}

/** CRC-32 of what a row says: finds a flipped bit, and most of what is written over. */
function checksumOf(row: Pick<EventRow, "id" | "type" | "payload" | "key" | "headers">): number {
  const { id, type, payload, key, headers } = row;
  return crc32(id + type + (key ?? "") + (headers ?? "") + payload);
}

/** The row of an event that is to be stored, without a place yet: all that can be done before the write lock is had. */
export function toRow(record: OutgoingRecord): EventRow {
  const { lineage, headers: given, type, body: payload } = record;
  const { id, correlationId } = lineage;
  const key = record.key ?? null;
  const headers = Object.keys(given).length === 0 ? null : JSON.stringify(given);
  return {
    position: 0,
    stored_at: 0,
    id,
    type,
    payload,
    key,
    headers,
    time: lineage.time,
    source: lineage.source,
    origin: lineage.origin,
    correlation_id: correlationId === id ? null : correlationId,
    causation_id: lineage.causationId ?? null,
    via: lineage.via.length === 0 ? null : JSON.stringify(lineage.via),
    traceparent: lineage.traceparent ?? null,
    depth: lineage.depth ?? null,
    causes: lineage.causes === undefined ? null : JSON.stringify(lineage.causes),
    checksum: checksumOf({ id, type, payload, key, headers }),
  };
}

/** Gives a row its place. It stays the same object: a transaction that is tried again gives it another one. */
export function place(row: EventRow, position: number, storedAt: number): EventRow {
  const own: { -readonly [Column in keyof EventRow]: EventRow[Column] } = row;
  own.position = position;
  own.stored_at = storedAt;
  return row;
}

/** Whether a row has nothing but `PLAIN_COLUMNS`; most have. */
export function isPlain(row: EventRow): boolean {
  return (
    row.key === null &&
    row.headers === null &&
    row.correlation_id === null &&
    row.causation_id === null &&
    row.via === null &&
    row.traceparent === null &&
    row.depth === null &&
    row.causes === null
  );
}

/** The values of `EVENT_COLUMNS`. */
export function valuesOf(row: EventRow): unknown[] {
  const values: unknown[] = [];
  pushValues(values, row, false);
  return values;
}

/** Adds the values of a row: those of `PLAIN_COLUMNS`, or of `EVENT_COLUMNS`. */
export function pushValues(values: unknown[], row: EventRow, plain: boolean): void {
  const { position, id, type, payload, time, source, origin, stored_at, checksum } = row;
  values.push(position, id, type, payload, time, source, origin, stored_at, checksum);
  if (plain) return;
  const { key, headers, correlation_id, causation_id, via, traceparent, depth, causes } = row;
  values.push(key, headers, correlation_id, causation_id, via, traceparent);
  values.push(depth ?? null, causes ?? null);
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
const NO_VIA: readonly string[] = Object.freeze([]);

/** Characters of payload up to which parsing it costs less than an object that does it later. */
const SMALL_PAYLOAD = 1_000;

/**
 * A row that was written just now, as an event. Most senders don't look at the payload they get back: a large one is
 * parsed when somebody does.
 */
export function sentEvent(row: EventRow): StoredEvent {
  const text = row.payload;
  if (text.length <= SMALL_PAYLOAD) return withPayload(row, JSON.parse(text));
  let payload: unknown;
  let isParsed = false;
  return {
    ...withPayload(row, undefined),
    get payload(): unknown {
      if (!isParsed) payload = JSON.parse(text);
      isParsed = true;
      return payload;
    },
  };
}

/**
 * Reads a row.
 *
 * @throws Error when something other than this library wrote or damaged it: an event that can't be delivered
 */
export function fromRow(row: EventRow, delivery?: Delivered): StoredEvent {
  if (![row.id, row.type, row.payload].every((text: unknown) => typeof text === "string")) {
    throw new Error(`The event at position ${row.position} lacks its id, type or payload.`);
  }
  if (typeof row.checksum === "number" && row.checksum !== checksumOf(row)) {
    throw new Error(
      `Event "${row.id}" at position ${row.position} is not what was stored: its checksum differs.`,
    );
  }
  return withPayload(row, decodePayload(row.payload), delivery);
}

function withPayload(row: EventRow, payload: unknown, delivery?: Delivered): StoredEvent {
  if (isPlain(row)) return plainEvent(row, payload, delivery);
  return {
    position: row.position,
    type: row.type,
    payload,
    ...(row.key !== null && { key: row.key }),
    headers: row.headers === null ? NO_HEADERS : headersOf(row.headers),
    id: row.id,
    time: row.time,
    source: row.source,
    origin: row.origin,
    correlationId: row.correlation_id ?? row.id,
    ...(row.causation_id !== null && { causationId: row.causation_id }),
    ...(typeof row.causes === "string" && { causes: textsOf("causes", row.causes) }),
    via: row.via === null ? NO_VIA : textsOf("via", row.via),
    ...(typeof row.depth === "number" && { depth: row.depth }),
    ...(row.traceparent !== null && { traceparent: row.traceparent }),
    storedAt: row.stored_at,
    attempt: delivery?.attempt ?? 0,
    redelivered: delivery?.redelivered ?? false,
  };
}

/** Most events: without the checks and copies of what they haven't got, in a quarter of the time. */
function plainEvent(row: EventRow, payload: unknown, delivery?: Delivered): StoredEvent {
  return {
    position: row.position,
    type: row.type,
    payload,
    headers: NO_HEADERS,
    id: row.id,
    time: row.time,
    source: row.source,
    origin: row.origin,
    correlationId: row.id,
    via: NO_VIA,
    storedAt: row.stored_at,
    attempt: delivery?.attempt ?? 0,
    redelivered: delivery?.redelivered ?? false,
  };
}

/** Which delivery of an event it is. */
export interface Delivered {
  readonly attempt: number;
  readonly redelivered: boolean;
}

function headersOf(text: string): Readonly<Record<string, string>> {
  const value = decodePayload(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`Stored headers are no object: ${text.slice(0, 60)}`);
  }
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(value) as [string, unknown][]) {
    if (typeof text !== "string") throw new Error(`Stored header "${name}" is no string.`);
    headers[name] = text;
  }
  return headers;
}

function textsOf(name: string, text: string): readonly string[] {
  const value = decodePayload(text);
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string")) {
    throw new Error(`Stored ${name} is no array of strings: ${text.slice(0, 60)}`);
  }
  return value;
}
