import type { ErrorData, StoredEvent } from "@ringrift/event-queue";
import { toErrorData } from "@ringrift/event-queue/backend";
import type { WriteTransaction } from "./commit.ts";
import type { Connection } from "./connection.ts";
import { withFailure } from "./dead-letters.ts";
import type { Delivery, DeliveryStore } from "./deliveries.ts";
import type { Group } from "./groups.ts";
import type { LeaseHandle } from "./leases.ts";
import type { EventLog } from "./log.ts";
import { type EventRow, fromRow } from "./rows.ts";
import { SQL } from "./schema.ts";

/** One event as it was leased. */
export interface Leased {
  readonly event: StoredEvent;
  readonly lease: LeaseHandle;
  readonly until: number;
}

/** What a claim gave. */
export interface ClaimResult {
  readonly leased: readonly Leased[];
  /** There is more to take, though this claim came to its bounds. */
  readonly more: boolean;
  /** Events that retention had deleted under the group's hands. */
  readonly lost: number;
}

/** Rows of the log that one claim looks at, at most, when most of them are held back by their key. */
const MOST_SCANNED = 1_000;
/** Held back at once in a group; from there on it waits for these before it looks further. */
const MOST_HELD = 10_000;

const LEASE_EXPIRED: ErrorData = {
  name: "QueueError",
  code: "LEASE_EXPIRED",
  message:
    "The lease ran out: the member that had the event ended or was blocked before it settled it.",
};

/** Leasing events to members of groups. Its calls are synchronous; who calls has the connection. */
export class Claimer {
  readonly #connection: Connection;
  readonly #log: EventLog;
  readonly #deliveries: DeliveryStore;

  constructor(connection: Connection, log: EventLog, deliveries: DeliveryStore) {
    this.#connection = connection;
    this.#log = log;
    this.#deliveries = deliveries;
  }

  /** Whether a claim would find anything: reads only, so that an idle group takes no lock. */
  isClaimable(group: Group, now: number): boolean {
    const due = this.nextDue(group);
    if (due !== undefined && due <= now) return true;
    return this.#log.firstPosition(group.policy.eventTypes, group.cursor) !== undefined;
  }

  /** When the next lease ends or the next retry may begin. */
  nextDue(group: Group): number | undefined {
    const row = this.#connection.get<{ due: number | null }>(SQL.nextDue, group.id);
    return row?.due ?? undefined;
  }

  /**
   * Leases up to `limit` events: first what is due again (retries, leases that ran out), then new ones, which
   * moves the cursor. The result is in position order.
   */
  claim(tx: WriteTransaction, group: Group, limit: number, leaseMs: number): ClaimResult {
    const claim = { tx, group, until: tx.now + leaseMs };
    const again = this.#claimDue({ ...claim, token: newToken() }, limit);
    const fresh = this.#claimNew({ ...claim, token: newToken() }, limit - again.leased.length);
    if (again.leased.length === 0) return { ...fresh, lost: again.lost };
    return {
      leased: [...again.leased, ...fresh.leased].toSorted(
        (left, right) => left.event.position - right.event.position,
      ),
      more: fresh.more,
      lost: again.lost,
    };
  }

  #claimDue(claim: Claim, limit: number): { leased: Leased[]; lost: number } {
    const { tx, group, token, until } = claim;
    const leased: Leased[] = [];
    let lost = 0;
    const rows = this.#connection.all<Delivery>(SQL.dueDeliveries, group.id, tx.now, limit);
    for (const delivery of rows) {
      const row = this.#deliveries.rowOf(delivery);
      if (row === undefined) {
        this.#deliveries.forget(tx, group, delivery);
        lost += 1;
        continue;
      }
      const expired = delivery.token !== null;
      if (expired && delivery.attempt >= group.policy.maxAttempts) {
        this.#deliveries.bury(tx, group, delivery, row, LEASE_EXPIRED);
        continue;
      }
      const attempt = delivery.attempt + 1;
      const failures = expired
        ? withFailure(delivery, { time: tx.now, message: LEASE_EXPIRED.message })
        : delivery.failures;
      const event = this.#readOrBury(claim, { ...delivery, failures }, row);
      if (event === undefined) continue;
      this.#connection.run(
        SQL.leaseDelivery,
        until,
        token,
        attempt,
        failures,
        group.id,
        delivery.position,
      );
      leased.push(toLeased(claim, event));
    }
    return { leased, lost };
  }

  #claimNew(claim: Claim, limit: number): { leased: Leased[]; more: boolean } {
    const { group } = claim;
    const { eventTypes } = group.policy;
    const leased: Leased[] = [];
    let cursor = group.cursor;
    let scanned = 0;
    let more = true;
    while (more && leased.length < limit && scanned < MOST_SCANNED) {
      const asked = limit - leased.length;
      const rows = this.#log.find({ eventTypes, after: cursor, limit: asked });
      const taken: Leased[] = [];
      for (const row of rows) {
        const one = this.#take(claim, row);
        if (one === "full") {
          more = false;
          break;
        }
        cursor = row.position;
        if (one !== "held") taken.push(one);
      }
      leased.push(...this.#insertLeases(claim, taken));
      scanned += rows.length;
      if (more && rows.length < asked) {
        more = false;
        // What lies behind is of other types.
        cursor = Math.max(cursor, this.#log.newest());
      }
    }
    this.#connection.run(SQL.serveGroup, cursor, claim.tx.now, group.id);
    return { leased, more };
  }

  /** Writes the leases of new events without a key, in one statement; those of others are written already. */
  #insertLeases({ group, token, until }: Claim, taken: Leased[]): Leased[] {
    const positions = taken.flatMap(({ event }) => (event.key === undefined ? event.position : []));
    if (positions.length === 0) return taken;
    const inserted = this.#connection.run(
      SQL.insertLeases,
      group.id,
      until,
      token,
      JSON.stringify(positions),
    );
    if (inserted === positions.length) return taken;
    // Some were redriven, and the group moved back to before them: they have their delivery already.
    const rows = this.#connection.all<{ position: number }>(SQL.positionsOfClaim, group.id, token);
    const ours = new Set(rows.map(({ position }) => position));
    return taken.filter(({ event }) => ours.has(event.position));
  }

  /**
   * Leases one new event, unless an earlier one of its key is unfinished: then it is held back. The lease of an
   * event without a key is left to `#insertLeases`.
   */
  #take(claim: Claim, row: EventRow): Leased | "held" | "full" {
    const { group, token, until } = claim;
    const { position, key } = row;
    const add = (due: number | null, lease: number | null, attempt: number): boolean =>
      this.#connection.run(SQL.insertKeyed, group.id, position, due, lease, attempt, key) === 1;
    if (key !== null && this.#deliveries.isBusy(group.id, key)) {
      const held = this.#connection.get<{ count: number }>(SQL.countHeld, group.id);
      if ((held?.count ?? 0) >= MOST_HELD) return "full";
      add(null, null, 0);
      return "held";
    }
    const event = this.#readOrBury(claim, fresh(row), row);
    if (event === undefined) return "held";
    // Redriven after a seek to before it: it has its delivery already.
    if (key !== null && !add(until, token, 1)) return "held";
    return toLeased(claim, event);
  }

  /** The event, or `undefined` when its row can't be read: then it is a dead letter of this group. */
  #readOrBury(claim: Claim, delivery: Delivery, row: EventRow): StoredEvent | undefined {
    const attempt = delivery.attempt + 1;
    try {
      return fromRow(row, { attempt, redelivered: attempt > 1 || delivery.redriven === 1 });
    } catch (error) {
      const { message, ...data } = toErrorData(error);
      this.#deliveries.bury(claim.tx, claim.group, delivery, row, {
        ...data,
        message,
        code: "CORRUPT_EVENT",
      });
      return undefined;
    }
  }
}

/** At random: nothing has to be written for it, and no other claim has it. */
function newToken(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}

interface Claim {
  readonly tx: WriteTransaction;
  readonly group: Group;
  readonly token: number;
  readonly until: number;
}

function toLeased({ group, token, until }: Claim, event: StoredEvent): Leased {
  const { position } = event;
  return { event, lease: { group: group.name, groupId: group.id, position, token }, until };
}

function fresh(row: EventRow): Delivery {
  const { position, key } = row;
  return { position, token: null, attempt: 0, redriven: 0, key, failures: null, event: null };
}
