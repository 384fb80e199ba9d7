import type { StoredEvent } from "@ringrift/event-queue";
import type { Group } from "../groups/group-store.ts";
import type { EventLog } from "../log/event-log.ts";
import { type EventRow, fromRow } from "../database/event-row.ts";

/** An event above a group's cursor. */
export interface Candidate {
  readonly row: EventRow;
  /** Its first delivery; `undefined` when the row isn't read yet, or can't be. */
  readonly event: StoredEvent | undefined;
}

/** Rows that are read at once, though fewer were asked for. */
const ROWS = 32;
/** Characters of payload from which on no more is read than was asked for. */
const MOST_CHARACTERS = 256 * 1024;

/**
 * What a member of a group will probably claim next, read and parsed before it has the write lock: the log above a
 * position never changes, so all that the transaction has still to find out is where the group's cursor is. Others
 * write in the meantime.
 */
export class LookAhead {
  #candidates: Candidate[] = [];
  /** All events of `#eventTypes` from here to `#lookedTo` are candidates. */
  #after = 0;
  /** So that an empty look isn't one over the same events as the last. */
  #lookedTo = 0;
  #eventTypes: readonly string[] | null = null;
  #rows = ROWS;

  /** Candidates that are left. */
  get size(): number {
    return this.#candidates.length;
  }

  /** Reads on behind a group's cursor, until there are `wanted` candidates or no more. */
  fill(log: EventLog, { cursor, policy: { eventTypes } }: Group, wanted: number): void {
    if (cursor < this.#after || eventTypes !== this.#eventTypes) this.#forget();
    else this.drop(cursor);
    this.#after = cursor;
    this.#eventTypes = eventTypes;
    if (this.size >= wanted) return;
    const newest = log.newest();
    // It ends only further on, unless somebody else has emptied it.
    if (newest < this.#lookedTo) this.#forget();
    const after = Math.max(cursor, this.#lookedTo);
    if (newest <= after) return;
    const limit = Math.max(wanted, this.#rows) - this.size;
    const candidates = log.find({ eventTypes, after, upTo: newest, limit }).map(toCandidate);
    this.#candidates.push(...candidates);
    this.#lookedTo =
      candidates.length < limit ? newest : (candidates.at(-1)?.row.position ?? after);
    const characters = candidates.reduce((sum, { row }) => sum + (row.payload?.length ?? 0), 0);
    this.#rows = characters > MOST_CHARACTERS ? 1 : ROWS;
  }

  /** The candidates above a cursor; none when it knows nothing of what is there. */
  above(cursor: number, eventTypes: readonly string[] | null): readonly Candidate[] {
    // Policies are made once per text, so their types are the same object.
    if (cursor < this.#after || eventTypes !== this.#eventTypes) return [];
    const first = this.#candidates.findIndex(({ row }) => row.position > cursor);
    if (first === 0) return this.#candidates;
    return first === -1 ? [] : this.#candidates.slice(first);
  }

  /** Forgets what a cursor has passed. */
  drop(cursor: number): void {
    if (cursor <= this.#after) return;
    this.#after = cursor;
    const first = this.#candidates.findIndex(({ row }) => row.position > cursor);
    this.#candidates = first === -1 ? [] : this.#candidates.slice(first);
  }

  #forget(): void {
    this.#candidates = [];
    this.#lookedTo = 0;
  }
}

/** Parses a row as the first delivery of its event. */
function toCandidate(row: EventRow): Candidate {
  try {
    return { row, event: fromRow(row, { attempt: 1, redelivered: false }) };
  } catch {
    return { row, event: undefined };
  }
}
