import { parseStartFrom, type StartFrom } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type {
  HistoryRequest,
  LogPage,
  LogQuery,
  WantedSegment,
} from "@ringrift/event-queue/backend";
import type { Connection } from "../database/connection.ts";
import { type EventRow, fromRow } from "../database/event-row.ts";
import { SQL } from "../schema/statements.ts";
import type { PositionQuery, TypeIndex } from "./type-index.ts";

/** Which rows of the log to find, in position order. */
export interface RowQuery {
  /** `null` or `undefined` for every type. */
  readonly eventTypes: readonly string[] | null | undefined;
  readonly after: number;
  /** @default the newest */
  readonly upTo?: number | undefined;
  readonly limit: number;
}

const NO_END = Number.MAX_SAFE_INTEGER;

/** The log as it is read: events by position, and what finds them. Its calls are synchronous; who calls has the connection. */
export class EventLog {
  readonly #connection: Connection;
  readonly #types: TypeIndex;
  readonly #onCorrupt: (position: number) => void;

  constructor(connection: Connection, types: TypeIndex, onCorrupt: (position: number) => void) {
    this.#connection = connection;
    this.#types = types;
    this.#onCorrupt = onCorrupt;
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

  /** Rows in position order. With types, only these are touched, up to where the index has come. */
  find({ eventTypes, after, upTo = NO_END, limit }: RowQuery): EventRow[] {
    if (eventTypes === null || eventTypes === undefined) {
      return this.#rows(SQL.eventsBetween, after, upTo, limit);
    }
    const end = Math.min(this.#types.end(), upTo);
    const positions = this.#types.find(eventTypes, { after, upTo: end, limit });
    const rows = positions.length === 0 ? [] : this.#rows(SQL.eventsAt, JSON.stringify(positions));
    if (rows.length === limit) return rows;
    // Where what the index leads to is gone, the log itself tells: fewer than asked for means that there are no more.
    const from = positions.length === limit ? (positions.at(-1) ?? after) : Math.max(after, end);
    const rest = { after: from, upTo, limit: limit - rows.length };
    const more = this.#scan(eventTypes, rest);
    return rows.length === 0 ? more : [...rows, ...more];
  }

  /** The row at a position, if it is still there. */
  at(position: number): EventRow | undefined {
    return this.#rows(SQL.eventAt, position)[0];
  }

  /** The row of an event, if it is in the log. */
  byId(id: string): EventRow | undefined {
    return this.#rows(SQL.eventById, id)[0];
  }

  /** How many events of these types lie above `after`, and not above `upTo`. Without types at no cost; with types it counts. */
  count(eventTypes: readonly string[] | null, after: number, upTo: number = NO_END): number {
    return this.countUpTo(NO_END, { eventTypes, after, upTo });
  }

  /**
   * The same, but it counts no further than `enough`. Without types it is the distance: positions without an event are
   * left only by what was lost in a power cut, or deleted by hand.
   */
  countUpTo(enough: number, { eventTypes, after, upTo = NO_END }: WantedSegment): number {
    if (eventTypes === null) {
      const oldest = this.#number(SQL.oldestPosition, "position");
      return Math.max(0, Math.min(this.newest(), upTo) - Math.max(after, oldest - 1));
    }
    return this.#countOfTypes(eventTypes, { after, upTo, limit: enough });
  }

  /** The first position of these types in a part of the log. */
  firstPosition({ eventTypes, after, upTo }: WantedSegment): number | undefined {
    return this.find({ eventTypes, after, upTo, limit: 1 })[0]?.position;
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

  #readable(rows: readonly EventRow[]): StoredEvent[] {
    const events: StoredEvent[] = [];
    for (const row of rows) {
      try {
        events.push(fromRow(row));
      } catch {
        this.#onCorrupt(row.position);
      }
    }
    return events;
  }

  /** Rows of these types, looked for in the log itself: where the index hasn't come yet. */
  #scan(eventTypes: readonly string[], { after, upTo, limit }: PositionQuery): EventRow[] {
    if (after >= upTo) return [];
    return this.#rows(SQL.eventsOfTypesBetween, after, upTo, JSON.stringify(eventTypes), limit);
  }

  #countOfTypes(eventTypes: readonly string[], { after, upTo, limit }: PositionQuery): number {
    const end = Math.min(this.#types.end(), upTo);
    const indexed = this.#types.count(eventTypes, { after, upTo: end, limit });
    if (indexed >= limit) return indexed;
    const from = Math.max(after, end);
    const types = JSON.stringify(eventTypes);
    const left = limit - indexed;
    return indexed + this.#number(SQL.countOfTypesBetween, "count", from, upTo, types, left);
  }

  #storedAfter(position: number): { position: number; storedAt: number } | undefined {
    return this.#connection.get(SQL.storedAfter, position);
  }

  #rows(sql: string, ...parameters: unknown[]): EventRow[] {
    const rows = this.#connection.all<EventRow>(sql, ...parameters);
    // What was zeroed reads as a row without anything, its position included.
    if (rows.every(({ position }) => position > 0)) return rows;
    throw Object.assign(new Error("a row of the log has no position"), { code: "SQLITE_CORRUPT" });
  }

  #number(sql: string, column: "count" | "position", ...parameters: unknown[]): number {
    const row = this.#connection.get<Record<string, number | null>>(sql, ...parameters);
    return row?.[column] ?? 0;
  }
}
