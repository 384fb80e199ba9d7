import { type EventLineage, pickLineage } from "@ringrift/envelope";
import type { DeadLetter, ErrorData } from "@ringrift/event-queue";
import {
  type CarriedLetter,
  type EventRecord,
  foreignPosition,
  type MigrationPage,
  type MigrationRange,
  redrivenLetter,
} from "@ringrift/event-queue/backend";
import type { Connection } from "../database/connection.ts";
import type { DeadLetterStore, LetterRow } from "./dead-letter-store.ts";
import { type EventRow, fromRow, place, toRow } from "../database/event-row.ts";
import { SQL } from "../schema/statements.ts";

/** What was redriven and isn't settled. */
interface RedrivenRow {
  readonly groupId: number;
  readonly groupName: string;
  readonly position: number;
  readonly event: string;
}

/** Dead letters on their way from one queue to another. Its calls are synchronous; who calls has the connection. */
export class CarriedLetters {
  readonly #connection: Connection;
  readonly #letters: DeadLetterStore;

  constructor(connection: Connection, letters: DeadLetterStore) {
    this.#connection = connection;
    this.#letters = letters;
  }

  /** First the dead letters, by number; then what was redriven, by `<group>:<position>`. */
  page({ after = "0", limit }: MigrationRange): MigrationPage<CarriedLetter> {
    const [first, position] = after.split(":");
    if (position !== undefined) return this.#redriven([Number(first), Number(position)], limit);
    const rows = this.#connection.all<LetterRow>(SQL.deadLettersAfter, Number(first), limit);
    const last = rows.length < limit ? undefined : rows.at(-1);
    const beginning = `0:${Number.MIN_SAFE_INTEGER}`;
    return { items: rows.map(toCarried), next: last ? String(last.number) : beginning };
  }

  /** Takes one over, in a write transaction; `false` when it is there, or its group isn't. */
  adopt({ record, group, isRedriven, ...why }: CarriedLetter): boolean {
    const { id } = record.lineage;
    if (this.#connection.get(SQL.deadLetterOf, group, id) !== undefined) return false;
    const row = this.#connection.get<EventRow>(SQL.eventById, id) ?? foreignRow(record);
    if (isRedriven) return this.#letters.giveBack(group, row);
    if (this.#connection.get(SQL.groupByName, group) === undefined) return false;
    const { attempts, error, history, time } = why;
    const values = [id, row.type, row.position, JSON.stringify(row), attempts];
    const texts = [JSON.stringify(error), JSON.stringify(history)];
    this.#connection.run(SQL.insertDeadLetter, group, ...values, ...texts, time);
    return true;
  }

  #redriven(after: readonly [number, number], limit: number): MigrationPage<CarriedLetter> {
    const rows = this.#connection.all<RedrivenRow>(SQL.redrivenAfter, ...after, limit);
    const last = rows.length < limit ? undefined : rows.at(-1);
    return {
      items: rows.map(({ groupName, event }) => redrivenLetter(groupName, recordOf(event))),
      next: last && `${last.groupId}:${last.position}`,
    };
  }
}

function toCarried(row: LetterRow): CarriedLetter {
  const { groupName, event, attempts, error, failures, time } = row;
  return {
    record: recordOf(event),
    group: groupName,
    attempts,
    // The casts are safe: what DeadLetterStore has written.
    error: JSON.parse(error) as ErrorData,
    history: JSON.parse(failures) as DeadLetter["history"],
    time,
    isRedriven: false,
  };
}

/** Of what can't be read, that which can be. */
function recordOf(copy: string): EventRecord {
  // The cast is safe: a copy that this package made.
  const row = JSON.parse(copy) as EventRow;
  const { position, type, payload: body, stored_at: storedAt } = row;
  let lineage: EventLineage;
  let headers: EventRecord["headers"] = {};
  try {
    const event = fromRow(row);
    lineage = pickLineage(event);
    ({ headers } = event);
  } catch {
    const { id, time, source, origin } = row;
    lineage = { id, time, source, origin, correlationId: id, via: [] };
  }
  return { lineage, position, type, body, key: row.key ?? undefined, headers, storedAt };
}

function foreignRow({ position, storedAt, ...event }: EventRecord): EventRow {
  const row = toRow({ ...event, dedupeKey: undefined, delayMs: 0, fresh: false });
  return place(row, foreignPosition(position), storedAt);
}
