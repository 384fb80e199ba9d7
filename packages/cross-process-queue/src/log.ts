import { parseStartFrom, type StartFrom } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type {
  HistoryRequest,
  LogPage,
  LogQuery,
  OutgoingRecord,
} from "@ringrift/event-queue/backend";
import type { WriteTransaction } from "./commit.ts";
import type { Connection } from "./connection.ts";
import {
  type EventRow,
  fromRow,
  isPlain,
  plainValuesOf,
  sentEvent,
  toRow,
  valuesOf,
} from "./rows.ts";
import { EVENT_COLUMNS, insertEvents, PLAIN_COLUMNS, SQL } from "./schema.ts";

/** Which rows of the log to find, in position order. */
export interface RowQuery {
  /** `null` or `undefined` for every type. */
  readonly eventTypes: readonly string[] | null | undefined;
  readonly after: number;
  /** @default the newest */
  readonly upTo?: number | undefined;
  readonly limit: number;
}

/** What appending one event did. */
export interface Appended {
  readonly row: EventRow;
  /** It was stored before; `row` is the one stored first. */
  readonly duplicate: boolean;
}

const NO_END = Number.MAX_SAFE_INTEGER;
/** Measured: more of them at once gains nothing. */
const ROWS_AT_ONCE = 25;
/** An event that came with its id may be stored already. */
const INSERT_OR_FIND = `${insertEvents(EVENT_COLUMNS, 1)} ON CONFLICT (id) DO NOTHING`;
const INSERT_PLAIN = {
  one: insertEvents(PLAIN_COLUMNS, 1),
  many: insertEvents(PLAIN_COLUMNS, ROWS_AT_ONCE),
} as const;
const INSERT_ANY = {
  one: insertEvents(EVENT_COLUMNS, 1),
  many: insertEvents(EVENT_COLUMNS, ROWS_AT_ONCE),
} as const;

/** The log: events by position, and what finds them. Its calls are synchronous; who calls has the connection. */
export class EventLog {
  readonly #connection: Connection;
  readonly #dedupeWindowMs: number;
  readonly #onCorrupt: (row: EventRow, error: unknown) => void;
  /** As it was when this process began to write. */
  #highestCursor: number | undefined;

  constructor(
    connection: Connection,
    dedupeWindowMs: number,
    onCorrupt: (row: EventRow, error: unknown) => void,
  ) {
    this.#connection = connection;
    this.#dedupeWindowMs = dedupeWindowMs;
    this.#onCorrupt = onCorrupt;
  }

  /**
   * Appends events at the end, in this order. Positions follow commit order, for there is one writer at a
   * time; `stored_at` never decreases along them, whatever the clocks of the writers say, so that a moment
   * can be found by bisection.
   */
  append(tx: WriteTransaction, records: readonly OutgoingRecord[]): Appended[] {
    return records.map((record) => this.appendOne(tx, record));
  }

  appendOne(tx: WriteTransaction, record: OutgoingRecord): Appended {
    const tail = (tx.tail ??= this.#tail(tx.now));
    const { dedupeKey, fresh } = record;
    if (fresh && dedupeKey === undefined) {
      const row = toRow(record, tail.position, tail.storedAt);
      tx.appended.push(row);
      tail.position += 1;
      tx.rings = true;
      return { row, duplicate: false };
    }
    this.write(tx);
    const first = this.#storedFirst(tx, record);
    if (first !== undefined) return { row: first, duplicate: true };
    const row = toRow(record, tail.position, tail.storedAt);
    if (this.#connection.run(INSERT_OR_FIND, valuesOf(row)) === 0) {
      return { row: this.#byId(row), duplicate: true };
    }
    tail.position += 1;
    tx.rings = true;
    if (dedupeKey !== undefined) {
      const expires = tx.now + this.#dedupeWindowMs;
      this.#connection.run(SQL.putDedupeKey, dedupeKey, row.position, expires);
    }
    return { row, duplicate: false };
  }

  /** Writes what was appended in a transaction, many rows a statement. Before anybody looks, and before COMMIT. */
  write(tx: WriteTransaction): void {
    const rows = tx.appended;
    if (rows.length === 0) return;
    for (let next = 0; next < rows.length;) {
      const size = rows.length - next >= ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
      const some = rows.slice(next, next + size);
      const plain = some.every((row) => isPlain(row));
      const insert = plain ? INSERT_PLAIN : INSERT_ANY;
      this.#connection.run(
        size === 1 ? insert.one : insert.many,
        some.flatMap((row) => (plain ? plainValuesOf(row) : valuesOf(row))),
      );
      next += size;
    }
    rows.length = 0;
  }

  /** Reads a page for readers without a group. Rows that can't be read are counted and skipped. */
  read({ eventTypes, after, limit }: LogQuery): LogPage {
    const newest = this.newest();
    const rows = this.find({ eventTypes, after, upTo: newest, limit });
    const last = rows.at(-1);
    const scannedTo = rows.length < limit ? newest : (last?.position ?? newest);
    return { events: this.#readable(rows), scannedTo: Math.max(after, scannedTo) };
  }

  /** The part of the log that a `history` asks for. */
  history({ eventTypes, since, until, after, limit }: HistoryRequest): StoredEvent[] {
    const from = since === undefined ? after : Math.max(after, this.positionAt(since) - 1);
    const upTo = until === undefined ? undefined : this.positionAt(until) - 1;
    return this.#readable(this.find({ eventTypes, after: from, upTo, limit }));
  }

  /** Rows in position order. With types, only these are touched: an index leads to them. */
  find({ eventTypes, after, upTo = NO_END, limit }: RowQuery): EventRow[] {
    if (eventTypes === null || eventTypes === undefined) {
      return this.#rows(SQL.eventsBetween, after, upTo, limit);
    }
    const positions = eventTypes
      .flatMap((type) => this.#positionsOfType(type, after, upTo, limit))
      .toSorted((left, right) => left - right)
      .slice(0, limit);
    if (positions.length === 0) return [];
    return this.#rows(SQL.eventsAt, JSON.stringify(positions));
  }

  /** The row at a position, if it is still there. */
  at(position: number): EventRow | undefined {
    return this.#rows(SQL.eventAt, position)[0];
  }

  /** How many events of these types lie above `after`. */
  count(eventTypes: readonly string[] | null, after: number): number {
    if (eventTypes === null) return this.#number(SQL.countBetween, "count", after, NO_END);
    return eventTypes
      .map((type) => this.#number(SQL.countOfType, "count", type, after, NO_END))
      .reduce((sum, count) => sum + count, 0);
  }

  /** The first position of these types above `after`. */
  firstPosition(eventTypes: readonly string[] | null, after: number): number | undefined {
    if (eventTypes === null) return this.#rows(SQL.eventsBetween, after, NO_END, 1)[0]?.position;
    const found = eventTypes.flatMap((type) => this.#positionsOfType(type, after, NO_END, 1));
    return found.length === 0 ? undefined : Math.min(...found);
  }

  /** The newest position; 0 when the log is empty. */
  newest(): number {
    return this.#number(SQL.newestPosition, "position");
  }

  /** The position after which reading begins. */
  startAfter(from: StartFrom): number {
    const start = parseStartFrom(from);
    if (start === "beginning") return 0;
    const newest = this.newest();
    if (start === "now") return newest;
    const first = "position" in start ? start.position : this.positionAt(start.time);
    // Never beyond the end: new positions are given above every cursor.
    return Math.min(Math.max(first - 1, 0), newest);
  }

  /** The first position stored at `time` or later; one above the newest when there is none. */
  positionAt(time: number): number {
    const newest = this.newest();
    let low = this.#number(SQL.oldestPosition, "position");
    let high = newest + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#storedAfter(middle);
      if (found !== undefined && found.storedAt < time) low = found.position + 1;
      else high = middle;
    }
    return high;
  }

  #tail(now: number): { position: number; storedAt: number } {
    const newest = this.#connection.get<{ position: number; storedAt: number }>(SQL.tail);
    // No cursor is beyond the newest event, which stays; unless somebody else has deleted it.
    if (newest === undefined || this.#highestCursor === undefined) {
      this.#highestCursor = this.#number(SQL.highestCursor, "position");
    }
    return {
      position: Math.max(newest?.position ?? 0, this.#highestCursor) + 1,
      storedAt: Math.max(now, newest?.storedAt ?? 0),
    };
  }

  #storedFirst(tx: WriteTransaction, record: OutgoingRecord): EventRow | undefined {
    if (record.dedupeKey === undefined) return undefined;
    const position = this.#number(SQL.dedupeKey, "position", record.dedupeKey, tx.now);
    // What retention has deleted can't be given back any more: then it is a new event.
    return position === 0 ? undefined : this.at(position);
  }

  #byId(wanted: EventRow): EventRow {
    const [row] = this.#rows(SQL.eventById, wanted.id);
    return row ?? wanted;
  }

  #readable(rows: readonly EventRow[]): StoredEvent[] {
    const events: StoredEvent[] = [];
    for (const row of rows) {
      try {
        events.push(fromRow(row));
      } catch (error) {
        this.#onCorrupt(row, error);
      }
    }
    return events;
  }

  #positionsOfType(type: string, after: number, upTo: number, limit: number): number[] {
    return this.#connection
      .all<{ position: number }>(SQL.positionsOfType, type, after, upTo, limit)
      .map((row) => row.position);
  }

  #storedAfter(position: number): { position: number; storedAt: number } | undefined {
    return this.#connection.get(SQL.storedAfter, position);
  }

  #rows(sql: string, ...parameters: unknown[]): EventRow[] {
    return this.#connection.all(sql, ...parameters);
  }

  #number(sql: string, column: "count" | "position", ...parameters: unknown[]): number {
    const row = this.#connection.get<Record<string, number | null>>(sql, ...parameters);
    return row?.[column] ?? 0;
  }
}

/** What a send gives for what it appended, or found. */
export function appendedEvent({ row, duplicate }: Appended): StoredEvent {
  return duplicate ? { ...fromRow(row), duplicate: true } : sentEvent(row);
}
