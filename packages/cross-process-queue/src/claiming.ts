import type { ErrorData, StoredEvent } from "@ringrift/event-queue";
import { toErrorData } from "@ringrift/event-queue/backend";
import type { BatchStore } from "./batches.ts";
import type { WriteTransaction } from "./write-transaction.ts";
import type { Connection } from "./connection.ts";
import { withFailure } from "./dead-letters.ts";
import type { Delivery, DeliveryStore } from "./deliveries.ts";
import type { ClaimState, Group } from "./groups.ts";
import type { LeaseHandle } from "./lease.ts";
import type { EventLog } from "./log.ts";
import { type Candidate, type LookAhead, toCandidate } from "./look-ahead.ts";
import { type EventRow, fromRow } from "./rows.ts";
import { SQL } from "./schema.ts";

/** One event as it was leased. */
export interface Leased {
  readonly event: StoredEvent;
  readonly lease: LeaseHandle;
  readonly until: number;
}

/** What a member asks for. */
export interface ClaimRequest {
  readonly limit: number;
  /** So many more, as long as none of all was delivered before. */
  readonly ahead: number;
  readonly leaseMs: number;
  readonly state: ClaimState;
  /** What it has read already. */
  readonly known: LookAhead;
}

/** What a claim gave. */
export interface ClaimResult {
  readonly leased: readonly Leased[];
  /** Where the group's cursor is now. */
  readonly cursor: number;
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
  readonly #batches: BatchStore;

  constructor(
    connection: Connection,
    stores: {
      readonly log: EventLog;
      readonly deliveries: DeliveryStore;
      readonly batches: BatchStore;
    },
  ) {
    this.#connection = connection;
    this.#log = stores.log;
    this.#deliveries = stores.deliveries;
    this.#batches = stores.batches;
  }

  /** When the next lease ends or the next retry may begin. */
  nextDue(group: Group): number | undefined {
    const row = this.#connection.get<{ due: number | null }>(SQL.nextDue, {
      group: group.id,
    });
    return row?.due ?? undefined;
  }

  /**
   * Leases up to `limit` events: first what is due again (retries, leases that ran out), then new ones, which
   * moves the cursor. The result is in position order.
   */
  claim(tx: WriteTransaction, group: Group, request: ClaimRequest): ClaimResult {
    const { leaseMs, state, known } = request;
    const claim = { tx, group, until: tx.now + leaseMs };
    const isBatchDue = state.isBatchDue === 1;
    if (isBatchDue) this.#batches.unpackDue(group.id, tx.now);
    const isDue = isBatchDue || state.isDeliveryDue === 1;
    const again = isDue ? this.#claimDue({ ...claim, token: newToken() }, request) : NOTHING_DUE;
    const mixed = again.leased.some(({ event }) => event.attempt > 1);
    const limit = request.limit + (mixed ? 0 : request.ahead) - again.leased.length;
    const passed = state.hasPassed === 1;
    const fresh = this.#claimNew({ ...claim, token: newToken() }, { limit, known, passed });
    if (again.leased.length === 0) return { ...fresh, lost: again.lost };
    return {
      ...fresh,
      leased: [...again.leased, ...fresh.leased].toSorted(
        (left, right) => left.event.position - right.event.position,
      ),
      lost: again.lost,
    };
  }

  #claimDue(
    claim: Claim,
    { limit, ahead }: ClaimRequest,
  ): { readonly leased: readonly Leased[]; readonly lost: number } {
    const { tx, group, token, until } = claim;
    const leased: Leased[] = [];
    let lost = 0;
    let most = limit + ahead;
    const rows = this.#connection.all<Delivery>(SQL.dueDeliveries, group.id, tx.now, most);
    for (const delivery of rows) {
      if (delivery.attempt > 0) most = limit;
      if (leased.length >= most) break;
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

  #claimNew(
    claim: Claim,
    { limit, known, passed }: { limit: number; known: LookAhead; passed: boolean },
  ): Omit<ClaimResult, "lost"> {
    const { group } = claim;
    const { eventTypes } = group.policy;
    const events: StoredEvent[] = [];
    let cursor = group.cursor;
    let scanned = 0;
    let more = true;
    while (more && events.length < limit && scanned < MOST_SCANNED) {
      const asked = limit - events.length;
      let candidates = known.above(cursor, eventTypes, asked);
      const isKnown = candidates.length > 0;
      if (!isKnown) {
        // The rest comes with the next claim, and is read without the lock before it.
        if (events.length > 0) break;
        candidates = this.#log.find({ eventTypes, after: cursor, limit: asked }).map(toCandidate);
      }
      const has = passed ? this.#deliveriesAmong(group, candidates) : NONE;
      for (const candidate of candidates) {
        const event = this.#take(claim, candidate, has);
        if (event === "full") {
          more = false;
          break;
        }
        cursor = candidate.row.position;
        if (event !== "held") events.push(event);
      }
      scanned += candidates.length;
      if (more && !isKnown && candidates.length < asked) {
        more = false;
        // What lies behind is of other types.
        cursor = Math.max(cursor, this.#log.newest());
      }
    }
    const batchSize = this.#addBatch(claim, events);
    if (cursor !== group.cursor) {
      this.#connection.run(SQL.serveGroup, cursor, claim.tx.now, group.id);
    }
    return { leased: events.map((event) => toLeased(claim, event, batchSize)), cursor, more };
  }

  /** New events that have a delivery already: redriven, after the group was moved back to before them. */
  #deliveriesAmong(group: Group, candidates: readonly Candidate[]): ReadonlySet<number> {
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

  /** Writes the leases of new events without a key; those of others are written already. */
  #addBatch(claim: Claim, events: readonly StoredEvent[]): number | undefined {
    const { group, token, until } = claim;
    const positions = events.flatMap(({ key, position }) => (key === undefined ? position : []));
    if (positions.length === 0) return undefined;
    this.#batches.add({ groupId: group.id, token }, until, positions);
    return positions.length;
  }

  /**
   * Takes one new event, unless an earlier one of its key is unfinished: then it is held back. The lease of an
   * event without a key is left to `#addBatch`.
   */
  #take(
    claim: Claim,
    { row, event: known }: Candidate,
    has: ReadonlySet<number>,
  ): StoredEvent | "held" | "full" {
    const { group, token, until } = claim;
    const { position, key } = row;
    if (has.has(position)) return "held";
    if (key !== null && this.#deliveries.isBusy(group.id, key)) {
      const held = this.#connection.get<{ count: number }>(SQL.countHeld, group.id);
      if ((held?.count ?? 0) >= MOST_HELD) return "full";
      this.#insert(claim, { position, due: null, token: null, attempt: 0, key });
      return "held";
    }
    const event = known ?? this.#readOrBury(claim, fresh(row), row);
    if (event === undefined) return "held";
    if (key !== null) this.#insert(claim, { position, due: until, token, attempt: 1, key });
    return event;
  }

  #insert({ group }: Claim, one: NewDelivery): void {
    const { position, due, token, attempt, key } = one;
    this.#connection.run(SQL.insertNew, group.id, position, due, token, attempt, key);
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

interface NewDelivery extends Pick<Delivery, "position" | "token" | "attempt" | "key"> {
  readonly due: number | null;
}

const NONE: ReadonlySet<number> = new Set();
const NOTHING_DUE = { leased: [], lost: 0 };

function toLeased(claim: Claim, event: StoredEvent, batchSize?: number): Leased {
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
