import type { DeadLetter, ErrorData } from "@ringrift/event-queue";
import type { DeadLetterRequest } from "@ringrift/event-queue/backend";
import type { BatchStore } from "./batch-store.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { Connection } from "../database/connection.ts";
import type { Group, GroupStore } from "./group-store.ts";
import type { EventLog } from "../log/event-log.ts";
import { type EventRow, fromRow } from "../database/event-row.ts";
import { SQL } from "../schema/statements.ts";

/** One failed attempt, as it is kept. */
export interface Failure {
  readonly time: number;
  readonly message: string;
}

/** What becomes a dead letter. */
export interface Burial {
  readonly group: string;
  readonly row: EventRow;
  readonly attempts: number;
  readonly error: ErrorData;
  /** As {@link withFailure} writes them. */
  readonly failures: string;
}

/** A dead letter as it is stored. */
export interface LetterRow {
  readonly number: number;
  readonly groupName: string;
  readonly eventId: string;
  readonly type: string;
  readonly position: number;
  readonly event: string;
  readonly attempts: number;
  readonly error: string;
  readonly failures: string;
  readonly time: number;
}

const MOST_FAILURES = 10;
/** Letters that one transaction moves. */
const STEP = 500;

/** Adds a failed attempt to those a delivery has: text for its row, the last ten of them. */
export function withFailure(
  delivery: { readonly attempt: number; readonly failures: string | null },
  failure: Failure,
): string {
  const before: unknown = JSON.parse(delivery.failures ?? "[]");
  const all = Array.isArray(before) ? (before as unknown[]) : [];
  return JSON.stringify([...all, { attempt: delivery.attempt, ...failure }].slice(-MOST_FAILURES));
}

/** The dead letters of all groups, each with a copy of its event. Its calls are synchronous. */
export class DeadLetterStore {
  readonly #connection: Connection;
  readonly #batches: BatchStore;
  readonly #groups: GroupStore;
  readonly #log: EventLog;

  constructor(
    connection: Connection,
    stores: { readonly batches: BatchStore; readonly groups: GroupStore; readonly log: EventLog },
  ) {
    this.#connection = connection;
    this.#batches = stores.batches;
    this.#groups = stores.groups;
    this.#log = stores.log;
  }

  add(tx: WriteTransaction, burial: Burial): void {
    const { group, row, attempts, error, failures } = burial;
    tx.buried.push({ group, id: row.id, type: row.type, attempts, error });
    // It may have died before, if the group was moved back since.
    this.#connection.run(SQL.deleteDeadLetterOf, group, row.id);
    this.#connection.run(
      SQL.insertDeadLetter,
      group,
      row.id,
      row.type,
      row.position,
      JSON.stringify(row),
      attempts,
      JSON.stringify(error),
      failures,
      tx.now,
    );
  }

  count(): number {
    return this.#connection.get<{ count: number }>(SQL.countDeadLetters)?.count ?? 0;
  }

  list(filter: DeadLetterRequest): DeadLetter[] {
    return this.#find(filter, filter.limit ?? Number.MAX_SAFE_INTEGER).map((row) =>
      toDeadLetter(row),
    );
  }

  /** How many letters a redrive or discard would take. */
  preview(filter: DeadLetterRequest): number {
    const row = this.#connection.get<{ count: number }>(SQL.countMatching, {
      ...parameters(filter),
      limit: filter.limit ?? Number.MAX_SAFE_INTEGER,
    });
    return row?.count ?? 0;
  }

  /** Forgets up to `limit` letters, in one step of bounded size; how many it took. */
  discard(filter: DeadLetterRequest, limit: number): number {
    const rows = this.#find(filter, Math.min(limit, STEP));
    for (const { number } of rows) this.#connection.run(SQL.deleteDeadLetter, number);
    return rows.length;
  }

  /** The same, and gives each back to the group that failed, unless that was moved back and has it again. */
  redrive(tx: WriteTransaction, filter: DeadLetterRequest, limit: number): number {
    const rows = this.#find(filter, Math.min(limit, STEP));
    for (const row of rows) {
      this.#connection.run(SQL.deleteDeadLetter, row.number);
      const group = this.#groups.find(row.groupName);
      if (group !== undefined && this.#isAhead(tx, group, row)) continue;
      this.giveBack(row.groupName, copyOf(row));
    }
    if (rows.length > 0) tx.rings = true;
    return rows.length;
  }

  /** Gives an event to a group for another round of attempts; `false` when there is no such group. */
  giveBack(name: string, copy: EventRow): boolean {
    const group = this.#connection.get<{ id: number }>(SQL.groupByName, name);
    if (group === undefined) return false;
    const { key, position } = copy;
    // It may be in flight again, if the group was moved back since.
    this.#batches.unpackWith(group.id, position);
    const waits = key !== null && this.#connection.get(SQL.keyIsBusy, group.id, key) !== undefined;
    const values = [waits ? null : 0, null, 0, 1, key, JSON.stringify(copy)];
    this.#connection.run(SQL.insertDelivery, group.id, position, ...values);
    return true;
  }

  /** Whether the group gets to it by the log: there it comes once, in its place, so that the events of a key stay in order. */
  #isAhead(tx: WriteTransaction, group: Group, { position, type, eventId }: LetterRow): boolean {
    if (position <= group.cursor || !group.wanted.wants(type, position)) return false;
    const event = this.#log.at(position);
    if (event?.id !== eventId) return false;
    const { skipAfterMs } = group.policy;
    return skipAfterMs === null || event.stored_at >= tx.now - skipAfterMs;
  }

  #find(filter: DeadLetterRequest, limit: number): LetterRow[] {
    return this.#connection.all(SQL.deadLetters, { ...parameters(filter), limit });
  }
}

function parameters(filter: DeadLetterRequest): Record<string, string | number | null> {
  const { id, group, type, since, until } = filter;
  return {
    id: id ?? null,
    group: group ?? null,
    type: type ?? null,
    since: since ?? null,
    until: until ?? null,
  };
}

function copyOf(row: LetterRow): EventRow {
  // The cast is safe: a copy that this package made.
  return JSON.parse(row.event) as EventRow;
}

function toDeadLetter(row: LetterRow): DeadLetter {
  const copy = copyOf(row);
  return {
    id: row.eventId,
    group: row.groupName,
    type: row.type,
    ...contentOf(copy),
    position: row.position,
    ...(copy.key !== null && { key: copy.key }),
    attempts: row.attempts,
    // The cast is safe: what add has written.
    error: JSON.parse(row.error) as ErrorData,
    // The cast is safe: what withFailure has written.
    history: JSON.parse(row.failures) as DeadLetter["history"],
    time: row.time,
  };
}

/** What couldn't be parsed is shown as the text it is. */
function contentOf(copy: EventRow): Pick<DeadLetter, "payload" | "headers"> {
  try {
    const { payload, headers } = fromRow(copy);
    return { payload, headers };
  } catch {
    return { payload: copy.payload, headers: {} };
  }
}
