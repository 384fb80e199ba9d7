import type { WantedSegment, WantedTypes } from "@ringrift/event-queue/backend";
import type { Connection } from "../database/connection.ts";
import type { EventLog } from "../log/event-log.ts";
import { SQL } from "../schema/statements.ts";

/** How many there are, or how many at least. */
export interface Count {
  readonly count: number;
  readonly isAtLeast: boolean;
}

/** Which part of the log lies ahead of a group. */
interface Place {
  readonly id: number;
  readonly cursor: number;
  readonly wanted: WantedTypes;
}

/** Events of some types are counted so far. */
const MOST_COUNTED = 10_000;
/** What has a delivery is counted so far: some ms. */
const MOST_IN_HAND = 100_000;
const MOST = Number.MAX_SAFE_INTEGER;

/**
 * Counts what lies ahead of a group: events of the log above its cursor that it wants, without those that have a
 * delivery already. These were redriven, since the group was moved back, and are counted as deliveries. Its calls are
 * synchronous; who calls has the connection.
 */
export class AheadCounter {
  readonly #connection: Connection;
  readonly #log: EventLog;

  constructor(connection: Connection, log: EventLog) {
    this.#connection = connection;
    this.#log = log;
  }

  /** Of some types up to {@link MOST_COUNTED}, of all types exactly. */
  count({ id, cursor, wanted }: Place): Count {
    let all = 0;
    let ofTypes = 0;
    let inHand = 0;
    for (const segment of wanted.segments(cursor)) {
      inHand += this.#inHand(id, segment, MOST_IN_HAND);
      if (segment.eventTypes === null) all += this.#log.countUpTo(0, segment);
      else ofTypes += this.#log.countUpTo(MOST_COUNTED + 1 - ofTypes, segment);
    }
    const isAtLeast = ofTypes > MOST_COUNTED;
    return { count: all + Math.min(ofTypes, MOST_COUNTED) - inHand, isAtLeast };
  }

  /** Counted no further than `enough`, neither in the log nor what has a delivery. */
  enough({ id, cursor, wanted }: Place, enough: number): number {
    return wanted
      .segments(cursor)
      .map((segment) => this.#log.countUpTo(enough, segment) - this.#inHand(id, segment, enough))
      .reduce((sum, count) => sum + count, 0);
  }

  /** Exactly, as far as a position: what lies there is counted. */
  upTo(place: Place, position: number): number {
    return segmentsUpTo(place, position)
      .map((segment) => this.#inHand(place.id, segment, MOST))
      .reduce((sum, count) => sum - count, this.wantedUpTo(place, position));
  }

  /** The same, with those that have a delivery. */
  wantedUpTo(place: Place, position: number): number {
    return segmentsUpTo(place, position)
      .map((segment) => this.#log.countUpTo(MOST, segment))
      .reduce((sum, count) => sum + count, 0);
  }

  /** What has a delivery. Events that the log has no more, or that the group doesn't want, aren't among what is counted. */
  #inHand(group: number, { eventTypes, after, upTo = MOST }: WantedSegment, limit: number): number {
    const types = eventTypes === null ? null : JSON.stringify(eventTypes);
    const values = { group, after, upTo, types, limit };
    return this.#connection.get<{ count: number }>(SQL.countInHand, values)?.count ?? 0;
  }
}

function segmentsUpTo({ cursor, wanted }: Place, position: number): readonly WantedSegment[] {
  return wanted.segments(cursor).flatMap(({ eventTypes, after, upTo = position }) => {
    return after < position ? { eventTypes, after, upTo: Math.min(upTo, position) } : [];
  });
}
