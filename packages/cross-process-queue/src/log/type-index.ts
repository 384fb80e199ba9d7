import type { Connection } from "../database/connection.ts";
import { SQL } from "../schema/statements.ts";

/** Measured: it matters little. Fewer are entered with each batch of 100; more make the end of the log longer to search. */
const BLOCK = 256;
/** What a writer enters at once of what others have left behind, besides what it wrote itself. */
const MOST_OF_OTHERS = 1_000;

/** Which positions to find. */
export interface PositionQuery {
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/**
 * Where events of a type lie. It follows the log a block at a time, so that the commit of a single event writes none
 * of its pages: up to its end it has every event, and behind that one has to look into the log itself. What
 * somebody else appends waits until a queue writes, or sweeps. What anybody deletes, a trigger takes out. Its calls are synchronous; who calls has the connection.
 */
export class TypeIndex {
  readonly #connection: Connection;
  /** As far as this process has seen it come; others may have taken it further. */
  #knownEnd = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Up to which position it has every event. */
  end(): number {
    return this.#connection.get<{ position: number }>(SQL.typesEnd)?.position ?? 0;
  }

  /** Positions of events of these types, ascending; `upTo` is not beyond the end. */
  find(eventTypes: readonly string[], query: PositionQuery): number[] {
    if (query.after >= query.upTo) return [];
    return eventTypes
      .flatMap((type) => this.#ofType(type, query))
      .toSorted((left, right) => left - right)
      .slice(0, query.limit);
  }

  /** How many events of these types there are, counted no further than `limit`; `upTo` is not beyond the end. */
  count(eventTypes: readonly string[], query: PositionQuery): number {
    if (query.after >= query.upTo) return 0;
    let count = 0;
    for (const type of eventTypes) {
      if (count >= query.limit) return count;
      count += this.#countOfType(type, { ...query, limit: query.limit - count });
    }
    return count;
  }

  /** Enters what was appended, once it is a block; the caller has appended so many events, and `newest` last. */
  follow(newest: number, appended: number): void {
    if (newest - this.#knownEnd < BLOCK) return;
    this.#knownEnd = this.end();
    const behind = newest - this.#knownEnd;
    const limit = appended + MOST_OF_OTHERS;
    if (behind > limit) this.enter(limit);
    else if (behind >= BLOCK) this.#enterUpTo(newest);
  }

  /** Whether more was left behind than one writer enters at once. */
  isFarBehind(newest: number): boolean {
    return newest - this.end() > MOST_OF_OTHERS;
  }

  /** Enters up to so many events; how many there were. In a write transaction. */
  enter(limit: number): number {
    this.#knownEnd = this.end();
    const next = this.#connection.get<{ count: number; last: number | null }>(
      SQL.nextPositions,
      this.#knownEnd,
      limit,
    );
    if (next === undefined || next.last === null) return 0;
    this.#enterUpTo(next.last);
    return next.count;
  }

  #enterUpTo(position: number): void {
    this.#connection.run(SQL.enterTypes, this.#knownEnd, position);
    this.#connection.run(SQL.moveTypesEnd, position);
    this.#knownEnd = position;
  }

  #ofType(type: string, { after, upTo, limit }: PositionQuery): number[] {
    return this.#connection
      .all<{ position: number }>(SQL.positionsOfType, type, after, upTo, limit)
      .map(({ position }) => position);
  }

  #countOfType(type: string, { after, upTo, limit }: PositionQuery): number {
    const row = this.#connection.get<{ count: number }>(SQL.countOfType, type, after, upTo, limit);
    return row?.count ?? 0;
  }
}
