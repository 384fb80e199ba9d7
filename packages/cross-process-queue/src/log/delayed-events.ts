import type { Connection } from "../database/connection.ts";
import type { EventRow } from "../database/event-row.ts";
import { SQL } from "../schema/statements.ts";

/** An event that waits for its time. */
export interface Waiting {
  /** Order of arrival, among events that fall due at once. */
  readonly number: number;
  readonly dueAt: number;
  readonly dedupeKey: string | null;
  /** As it will be in the log, but for its position and the time it was stored. */
  readonly row: EventRow;
}

interface WaitingRow extends Omit<Waiting, "row"> {
  readonly event: string;
}

/**
 * Events that were sent and aren't in the log yet: they have no position, so that positions go on being given in the
 * order in which readers may see events. Its calls are synchronous; who calls has the connection.
 */
export class DelayedEvents {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Stores one; its number. */
  add(row: EventRow, dueAt: number, dedupeKey: string | undefined): number {
    const stored = this.#connection.get<{ number: number }>(
      SQL.insertDelayed,
      dueAt,
      row.id,
      dedupeKey ?? null,
      JSON.stringify(row),
    );
    return stored?.number ?? 0;
  }

  /** When the next one is due. */
  nextDue(): number | undefined {
    return this.#connection.get<{ due: number | null }>(SQL.nextDelayed)?.due ?? undefined;
  }

  /** Removes up to `limit` that are due, and gives them, in the order in which they fell due. */
  takeDue(now: number, limit: number): Waiting[] {
    const due = this.#connection.all<WaitingRow>(SQL.dueDelayed, now, limit).map(toWaiting);
    for (const { number } of due) this.#connection.run(SQL.deleteDelayed, number);
    return due;
  }

  /** Up to `limit` with higher numbers, in order of arrival. */
  after(number: number, limit: number): Waiting[] {
    return this.#connection.all<WaitingRow>(SQL.delayedAfter, number, limit).map(toWaiting);
  }

  numbered(number: number): Waiting | undefined {
    return this.#find(SQL.delayedByNumber, number);
  }

  byId(id: string): Waiting | undefined {
    return this.#find(SQL.delayedById, id);
  }

  count(): number {
    return this.#connection.get<{ count: number }>(SQL.countDelayed)?.count ?? 0;
  }

  #find(sql: string, parameter: number | string): Waiting | undefined {
    const row = this.#connection.get<WaitingRow>(sql, parameter);
    return row && toWaiting(row);
  }
}

function toWaiting({ event, ...rest }: WaitingRow): Waiting {
  // The cast is safe: a row that this package wrote.
  return { ...rest, row: JSON.parse(event) as EventRow };
}
