import type { StoredEvent } from "@ringrift/event-queue";
import { MOST_SET_ASIDE, toErrorData } from "@ringrift/event-queue/backend";
import type { BatchStore } from "../groups/batch-store.ts";
import type { Connection } from "../database/connection.ts";
import type { Delivery, DeliveryStore } from "./delivery-store.ts";
import type { Group } from "../groups/group-store.ts";
import type { HeldEvents } from "./held-events.ts";
import type { LeaseHandle } from "../commit/lease.ts";
import type { Candidate } from "./look-ahead.ts";
import { type EventRow, fromRow } from "../database/event-row.ts";
import { SQL } from "../schema/statements.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";

/** One event as it was leased. */
export interface Leased {
  readonly event: StoredEvent;
  readonly lease: LeaseHandle;
  readonly until: number;
}

/** A claim, as its events are leased. */
export interface Claim {
  readonly tx: WriteTransaction;
  readonly group: Group;
  readonly token: number;
  readonly until: number;
  readonly held: HeldEvents;
}

const NONE: ReadonlySet<number> = new Set();

/** What becomes of one event in a claim: leased, held back, set aside, or buried. Its calls are synchronous. */
export class EventTaker {
  readonly #connection: Connection;
  readonly #deliveries: DeliveryStore;
  readonly #batches: BatchStore;

  constructor(
    connection: Connection,
    stores: { readonly deliveries: DeliveryStore; readonly batches: BatchStore },
  ) {
    this.#connection = connection;
    this.#deliveries = stores.deliveries;
    this.#batches = stores.batches;
  }

  /** Leaves an event to members that have a handler for it. */
  passOver(
    claim: Claim,
    { row }: Candidate,
    { has, room }: { readonly has: ReadonlySet<number>; readonly room: { left?: number } },
  ): "held" | "full" {
    const { tx, group, held } = claim;
    const { position, key, type } = row;
    if (has.has(position) || this.#isHeld(claim, row)) return "held";
    if (room.left === undefined) {
      const set = this.#connection.get<{ count: number }>(SQL.countAside, group.id);
      room.left = MOST_SET_ASIDE - (set?.count ?? 0);
    }
    if (room.left <= 0) return "full";
    room.left -= 1;
    this.#connection.run(SQL.insertAside, group.id, position, key, type);
    if (key !== null) held.noteBusy(key);
    tx.rings = true;
    return "held";
  }

  /** New events that have a delivery already: redriven, after the group was moved back to before them. */
  deliveriesAmong(group: Group, candidates: readonly Candidate[]): ReadonlySet<number> {
    const first = candidates[0]?.row;
    const last = candidates.at(-1)?.row;
    if (first === undefined || last === undefined) return NONE;
    const found = this.#connection.all<{ position: number }>(
      SQL.deliveriesBetween,
      group.id,
      first.position,
      last.position,
    );
    return found.length === 0 ? NONE : new Set(found.map(({ position }) => position));
  }

  /**
   * Writes what is held back, and the leases of new events without a key; those of others are written already. The size
   * of their batch, if there is one.
   */
  finish(claim: Claim, events: readonly StoredEvent[]): number | undefined {
    const { group, token, until, held } = claim;
    for (const [key, positions] of held.take()) {
      this.#connection.run(SQL.insertHeld, group.id, key, JSON.stringify(positions));
    }
    const positions = events.flatMap(({ key, position }) => (key === undefined ? position : []));
    if (positions.length === 0) return undefined;
    this.#batches.add({ groupId: group.id, token }, until, positions);
    return positions.length;
  }

  /**
   * Takes one new event, unless an earlier one of its key is unfinished: then it is held back. The lease of an
   * event without a key is left to `finish`, and so is what is held back.
   */
  take(
    claim: Claim,
    { row, event: known }: Candidate,
    has: ReadonlySet<number>,
  ): StoredEvent | "held" {
    const { group, token, until, held } = claim;
    const { position, key } = row;
    if (has.has(position) || this.#isHeld(claim, row)) return "held";
    const read = known ?? this.#readOrBury(claim, fresh(row), row);
    if (read === undefined) return "held";
    const event = position <= group.againUpTo ? { ...read, redelivered: true } : read;
    if (key !== null) {
      this.#connection.run(SQL.insertNew, group.id, position, until, token, 1, key);
      held.noteBusy(key);
    }
    return event;
  }

  /** Holds an event back if an earlier one of its key is unfinished. */
  #isHeld({ group, held }: Claim, { position, key }: EventRow): boolean {
    if (key === null) return false;
    if (!held.isBusy(key)) {
      if (!this.#deliveries.isBusy(group.id, key)) return false;
      held.noteBusy(key);
    }
    held.hold(key, position);
    return true;
  }

  /** The event, or `undefined` when its row can't be read: then it is a dead letter of this group. */
  #readOrBury(claim: Claim, delivery: Delivery, row: EventRow): StoredEvent | undefined {
    const attempt = delivery.attempt + 1;
    const isAgain = delivery.redriven === 1 || row.position <= claim.group.againUpTo;
    try {
      return fromRow(row, { attempt, redelivered: attempt > 1 || isAgain });
    } catch (error) {
      const { message, ...data } = toErrorData(error);
      const corrupt = { ...data, message, code: "CORRUPT_EVENT" };
      this.#deliveries.bury(claim.tx, claim.group, { delivery, row, error: corrupt });
      return undefined;
    }
  }

  /** Leases what has a delivery, unless it can't be read. */
  leaseAgain(claim: Claim, delivery: Delivery, row: EventRow): Leased | undefined {
    const { group, token, until } = claim;
    const event = this.#readOrBury(claim, delivery, row);
    if (event === undefined) return undefined;
    const { position, failures } = delivery;
    const values = [until, token, delivery.attempt + 1, failures];
    this.#connection.run(SQL.leaseDelivery, ...values, group.id, position);
    return toLeased(claim, event);
  }
}

/** An event with its lease. */
export function toLeased(claim: Claim, event: StoredEvent, batchSize?: number): Leased {
  const { group, token, until } = claim;
  const lease = { group: group.name, groupId: group.id, position: event.position, token };
  return batchSize === undefined || event.key !== undefined
    ? { event, lease, until }
    : { event, lease: { ...lease, batchSize }, until };
}

function fresh(row: EventRow): Delivery {
  const { position, key } = row;
  return { position, token: null, attempt: 0, redriven: 0, key, failures: null, event: null };
}
