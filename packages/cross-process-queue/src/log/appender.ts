import type { StoredEvent } from "@ringrift/event-queue";
import { type OutgoingRecord, requireSameEvent } from "@ringrift/event-queue/backend";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { Connection } from "../database/connection.ts";
import type { DelayedEvents } from "./delayed-events.ts";
import type { EventLog } from "./event-log.ts";
import {
  type EventRow,
  fromRow,
  isPlain,
  place,
  pushValues,
  sentEvent,
  toRow,
  valuesOf,
} from "../database/event-row.ts";
import { EVENT_COLUMNS, insertEvents, PLAIN_COLUMNS, SQL } from "../schema/statements.ts";
import type { TypeIndex } from "./type-index.ts";

/** An event that is to be stored, with all of its row that doesn't depend on its place. */
export interface PreparedEvent {
  readonly record: OutgoingRecord;
  readonly row: EventRow;
}

/** What appending one event did. */
export interface Appended {
  readonly row: EventRow;
  /** It was stored before; `row` is the one stored first. */
  readonly duplicate: boolean;
  /** When it enters the log, while it is delayed. */
  readonly dueAt?: number | undefined;
}

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

/** What an appender works with. */
export interface AppenderParts {
  readonly connection: Connection;
  readonly log: EventLog;
  readonly types: TypeIndex;
  readonly delayed: DelayedEvents;
  readonly dedupeWindowMs: number;
  /** Told of each event that is delayed, before its transaction has committed. */
  readonly onDelayed: (dueAt: number) => void;
}

/** Writing the log. Its calls are synchronous, in the write transaction they are given. */
export class Appender {
  readonly #parts: AppenderParts;
  readonly #connection: Connection;
  /** As it was when this process began to write. */
  #highestCursor: number | undefined;

  constructor(parts: AppenderParts) {
    this.#parts = parts;
    this.#connection = parts.connection;
  }

  /**
   * Appends events at the end, in this order. Positions follow commit order, for there is one writer at a
   * time; `stored_at` never decreases along them, whatever the clocks of the writers say, so that a moment
   * can be found by bisection.
   */
  append(tx: WriteTransaction, events: readonly PreparedEvent[]): Appended[] {
    return events.map((event) => this.appendOne(tx, event));
  }

  appendOne(tx: WriteTransaction, event: PreparedEvent): Appended {
    const { record } = event;
    const { dedupeKey, fresh, delayMs } = record;
    if (fresh && dedupeKey === undefined && delayMs === 0) {
      const tail = this.#tail(tx);
      const row = place(event.row, tail.position, tail.storedAt);
      tx.appended.push(row);
      tail.position += 1;
      tx.rings = true;
      return { row, duplicate: false };
    }
    this.write(tx);
    const first = this.#storedFirst(tx, record);
    if (first !== undefined) return { ...first, duplicate: true };
    return delayMs === 0 ? this.#insert(tx, event) : this.#delay(tx, event);
  }

  /**
   * Writes what was appended in a transaction, many rows a statement, and has the index by type follow. Before anybody
   * looks, and before COMMIT.
   */
  write(tx: WriteTransaction): void {
    if (tx.tail === undefined) return;
    const appended = tx.appended.length;
    if (appended > 0) this.#writeRows(tx.appended);
    this.#parts.types.follow(tx.tail.position - 1, appended);
  }

  /** Takes up to `limit` delayed events that are due into the log; how many there were. */
  admit(tx: WriteTransaction, limit: number): number {
    this.write(tx);
    const due = this.#parts.delayed.takeDue(tx.now, limit);
    for (const { number, dedupeKey, row } of due) {
      const tail = this.#tail(tx);
      const event = place(row, tail.position, tail.storedAt);
      if (this.#connection.run(INSERT_OR_FIND, valuesOf(event)) === 0) continue;
      tail.position += 1;
      if (dedupeKey === null) continue;
      this.#connection.run(SQL.moveDedupeKey, event.position, dedupeKey, -number);
    }
    if (due.length > 0) tx.rings = true;
    return due.length;
  }

  #writeRows(rows: EventRow[]): void {
    for (let next = 0; next < rows.length;) {
      const size = rows.length - next >= ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
      const some = rows.slice(next, next + size);
      const plain = some.every(isPlain);
      const insert = plain ? INSERT_PLAIN : INSERT_ANY;
      const values: unknown[] = [];
      for (const row of some) pushValues(values, row, plain);
      this.#connection.run(size === 1 ? insert.one : insert.many, values);
      next += size;
    }
    rows.length = 0;
  }

  #insert(tx: WriteTransaction, { record, row: unplaced }: PreparedEvent): Appended {
    const tail = this.#tail(tx);
    const row = place(unplaced, tail.position, tail.storedAt);
    if (this.#connection.run(INSERT_OR_FIND, valuesOf(row)) === 0) {
      return { row: sameEvent(record, this.#parts.log.byId(row.id)) ?? row, duplicate: true };
    }
    tail.position += 1;
    tx.rings = true;
    this.#remember(tx, record, row.position);
    return { row, duplicate: false };
  }

  #delay(tx: WriteTransaction, { record, row: unplaced }: PreparedEvent): Appended {
    const dueAt = tx.now + record.delayMs;
    const row = place(unplaced, 0, tx.now);
    const number = this.#parts.delayed.add(row, dueAt, dedupeKeyOf(record));
    // Its place is known later; until then its dedupe key leads to its number.
    this.#remember(tx, record, -number);
    this.#parts.onDelayed(dueAt);
    return { row, duplicate: false, dueAt };
  }

  #remember(tx: WriteTransaction, record: OutgoingRecord, position: number): void {
    const dedupeKey = dedupeKeyOf(record);
    if (dedupeKey === undefined) return;
    const expires = tx.now + this.#parts.dedupeWindowMs;
    this.#connection.run(SQL.putDedupeKey, dedupeKey, position, expires);
  }

  #tail(tx: WriteTransaction): { position: number; storedAt: number } {
    tx.tail ??= this.#end(tx.now);
    return tx.tail;
  }

  #end(now: number): { position: number; storedAt: number } {
    const newest = this.#connection.get<{ position: number; storedAt: number }>(SQL.tail);
    // No cursor is beyond the newest event, which stays; unless somebody else has deleted it.
    if (newest === undefined || this.#highestCursor === undefined) {
      const highest = this.#connection.get<{ position: number | null }>(SQL.highestCursor);
      this.#highestCursor = highest?.position ?? 0;
    }
    return {
      position: Math.max(newest?.position ?? 0, this.#highestCursor) + 1,
      storedAt: Math.max(now, newest?.storedAt ?? 0),
    };
  }

  /** What is stored, or waits, under the dedupe key or the id of an event. */
  #storedFirst(
    tx: WriteTransaction,
    record: OutgoingRecord,
  ): Omit<Appended, "duplicate"> | undefined {
    const { log, delayed } = this.#parts;
    const { fresh, delayMs, lineage } = record;
    const dedupeKey = dedupeKeyOf(record);
    if (dedupeKey !== undefined) {
      const known = this.#connection.get<{ position: number }>(SQL.dedupeKey, dedupeKey, tx.now);
      const position = known?.position ?? 0;
      const first = position < 0 ? delayed.numbered(-position) : withRow(log.at(position));
      // What retention has deleted can't be given back any more: then it is a new event.
      if (first !== undefined) return first;
    }
    if (fresh) return undefined;
    // One that goes into the log at once meets its like there.
    const first =
      delayed.byId(lineage.id) ?? (delayMs === 0 ? undefined : withRow(log.byId(lineage.id)));
    sameEvent(record, first?.row);
    return first;
  }
}

/** The row that has the id of an event; throws when it is another event's. */
function sameEvent(record: OutgoingRecord, row: EventRow | undefined): EventRow | undefined {
  if (row !== undefined) requireSameEvent(record, { type: row.type, body: row.payload });
  return row;
}

/** As it is stored: a dedupe key counts within its type, and no type has a space. */
function dedupeKeyOf({ type, dedupeKey }: OutgoingRecord): string | undefined {
  return dedupeKey === undefined ? undefined : `${type} ${dedupeKey}`;
}

function withRow(row: EventRow | undefined): { readonly row: EventRow } | undefined {
  return row && { row };
}

/** Does what can be done for an event before there is a transaction. */
export function prepareRow(record: OutgoingRecord): PreparedEvent {
  return { record, row: toRow(record) };
}

/** What a send gives for what it appended, or found. */
export function appendedEvent({ row, duplicate, dueAt }: Appended): StoredEvent {
  const event = duplicate ? { ...fromRow(row), duplicate: true as const } : sentEvent(row);
  // `sentEvent` reads its payload when somebody asks for it: so it isn't copied.
  return dueAt === undefined ? event : Object.assign(event, { dueAt });
}
