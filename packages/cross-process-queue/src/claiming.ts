import type { ErrorData, StoredEvent } from "@ringrift/event-queue";
import {
  MOST_SET_ASIDE,
  type StoredGroupPolicy,
  toErrorData,
  type WantedTypes,
} from "@ringrift/event-queue/backend";
import type { BatchStore } from "./batches.ts";
import type { WriteTransaction } from "./write-transaction.ts";
import type { Connection } from "./connection.ts";
import { withFailure } from "./dead-letters.ts";
import type { Delivery, DeliveryStore } from "./deliveries.ts";
import type { ClaimState, Group, GroupStore } from "./groups.ts";
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
  /** What holds for it. */
  readonly policy: StoredGroupPolicy;
  /** The types it has handlers for; `undefined` for whatever the group wants. */
  readonly accepts: readonly string[] | undefined;
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
  /** Events of types that the group is done with. */
  readonly ended: number;
}

/** Rows of the log that one claim looks at, at most, when most of them are held back by their key. */
const MOST_SCANNED = 1_000;
/** Rows of the log that are read at once where only some are taken. */
const PAGE = 200;
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
  readonly #groups: GroupStore;

  constructor(
    connection: Connection,
    stores: {
      readonly groups: GroupStore;
      readonly log: EventLog;
      readonly deliveries: DeliveryStore;
      readonly batches: BatchStore;
    },
  ) {
    this.#connection = connection;
    this.#log = stores.log;
    this.#deliveries = stores.deliveries;
    this.#batches = stores.batches;
    this.#groups = stores.groups;
  }

  /** Whether something is set aside for whoever accepts these types. */
  hasAside(group: Group, accepts: readonly string[] | undefined): boolean {
    if (this.#connection.get(SQL.anyAside, group.id) === undefined) return false;
    return this.#asideTypes(group, accepts).length > 0;
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
    if (group.policy.paused) return { ...NOTHING_DUE, cursor: group.cursor, more: false };
    const { leaseMs, state, accepts } = request;
    const claim = { tx, group, until: tx.now + leaseMs };
    const isBatchDue = state.isBatchDue === 1;
    if (isBatchDue) this.#batches.unpackDue(group.id, tx.now);
    const isDue = isBatchDue || state.isDeliveryDue === 1;
    const again = isDue ? this.#claimDue({ ...claim, token: newToken() }, request) : NOTHING_DUE;
    const left = request.limit - again.leased.length;
    const aside =
      state.hasAside === 1 && left > 0
        ? this.#claimAside({ ...claim, token: newToken() }, accepts, left)
        : [];
    const before = aside.length === 0 ? again.leased : [...again.leased, ...aside];
    const mixed = before.some(({ event }) => event.attempt > 1);
    const limit = request.limit + (mixed ? 0 : request.ahead) - before.length;
    const fresh = this.#claimFresh({ ...claim, token: newToken() }, request, limit);
    const { lost, ended } = again;
    if (before.length === 0) return { ...fresh, lost, ended };
    return {
      ...fresh,
      leased: [...before, ...fresh.leased].toSorted(
        (left, right) => left.event.position - right.event.position,
      ),
      lost,
      ended,
    };
  }

  #claimDue(
    claim: Claim,
    { limit, ahead, policy, accepts }: ClaimRequest,
  ): { readonly leased: readonly Leased[]; readonly lost: number; readonly ended: number } {
    const { tx, group } = claim;
    const leased: Leased[] = [];
    let lost = 0;
    let ended = 0;
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
      // What was written over has no type, and is for anybody to bury.
      const isTyped = typeof row.type === "string";
      if (isTyped && delivery.redriven === 0 && !group.wanted.has(row.type)) {
        this.#deliveries.forget(tx, group, delivery);
        ended += 1;
        continue;
      }
      const isAccepted = !isTyped || accepts === undefined || accepts.includes(row.type);
      const expired = delivery.token !== null;
      const { maxAttempts } = isAccepted ? policy : group.policy;
      if (expired && delivery.attempt >= maxAttempts) {
        this.#deliveries.bury(tx, group, delivery, row, LEASE_EXPIRED);
        continue;
      }
      const failures = expired
        ? withFailure(delivery, { time: tx.now, message: LEASE_EXPIRED.message })
        : delivery.failures;
      if (isAccepted) {
        const one = this.#leaseAgain(claim, { ...delivery, failures }, row);
        if (one !== undefined) leased.push(one);
        continue;
      }
      const { position } = delivery;
      this.#connection.run(SQL.setAside, failures, row.type, group.id, position);
      tx.rings = true;
    }
    if (ended > 0) this.#connection.run(SQL.countSkipped, ended, group.id);
    return { leased, lost, ended };
  }

  /** What others had no handler for. */
  #claimAside(claim: Claim, accepts: readonly string[] | undefined, limit: number): Leased[] {
    const { group } = claim;
    const deliveries = this.#asideTypes(group, accepts)
      .flatMap((type) => this.#connection.all<Delivery>(SQL.asideOf, group.id, type, limit))
      .toSorted((one, other) => one.position - other.position)
      .slice(0, limit);
    return deliveries.flatMap((delivery) => {
      const row = this.#deliveries.rowOf(delivery);
      if (row === undefined) this.#deliveries.forget(claim.tx, group, delivery);
      return (row && this.#leaseAgain(claim, delivery, row)) ?? [];
    });
  }

  #asideTypes(group: Group, accepts: readonly string[] | undefined): string[] {
    return this.#connection
      .all<{ type: string }>(SQL.asideTypes, group.id)
      .flatMap(({ type }) => (accepts === undefined || accepts.includes(type) ? type : []));
  }

  /** Leases what has a delivery, unless it can't be read. */
  #leaseAgain(claim: Claim, delivery: Delivery, row: EventRow): Leased | undefined {
    const { group, token, until } = claim;
    const event = this.#readOrBury(claim, delivery, row);
    if (event === undefined) return undefined;
    const { position, failures } = delivery;
    const values = [until, token, delivery.attempt + 1, failures];
    this.#connection.run(SQL.leaseDelivery, ...values, group.id, position);
    return toLeased(claim, event);
  }

  #claimFresh(
    claim: Claim,
    { state, accepts, known }: ClaimRequest,
    limit: number,
  ): Omit<ClaimResult, "lost" | "ended"> {
    const passed = state.hasPassed === 1;
    const { wanted, cursor } = claim.group;
    if (isUniform(wanted, cursor, accepts)) return this.#claimNew(claim, { limit, known, passed });
    return this.#claimSome(claim, { limit, accepts, passed });
  }

  #claimNew(
    claim: Claim,
    { limit, known, passed }: { limit: number; known: LookAhead; passed: boolean },
  ): Omit<ClaimResult, "lost" | "ended"> {
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

  /**
   * The same for a member that doesn't accept all that its group wants, or where not all of it begins before the cursor.
   * What lies before something that it takes is set aside for others; what comes after the last of it stays in the log.
   */
  #claimSome(
    claim: Claim,
    options: {
      readonly limit: number;
      readonly accepts: readonly string[] | undefined;
      readonly passed: boolean;
    },
  ): Omit<ClaimResult, "lost" | "ended"> {
    const { group } = claim;
    const { limit, accepts, passed } = options;
    const events: StoredEvent[] = [];
    let { cursor } = group;
    let scanned = 0;
    const room = {};
    let next = events.length < limit ? this.#groups.next(group, accepts) : undefined;
    const isFull = (): boolean => events.length >= limit || scanned >= MOST_SCANNED;
    walk: for (const {
      eventTypes,
      after,
      upTo = Number.POSITIVE_INFINITY,
    } of group.wanted.segments(cursor)) {
      let from = Math.max(after, cursor);
      while (next !== undefined && from < Math.min(next, upTo) && !isFull()) {
        const end = Math.min(next, upTo);
        const rows = this.#log.find({ eventTypes, after: from, upTo: end, limit: PAGE });
        const candidates = rows.map(toCandidate);
        const has = passed ? this.#deliveriesAmong(group, candidates) : NONE;
        for (const candidate of candidates) {
          const { position, type } = candidate.row;
          const isAccepted = accepts === undefined || accepts.includes(type);
          const taken = isAccepted
            ? this.#take(claim, candidate, has)
            : this.#passOver(claim, candidate, { has, room });
          if (taken === "full") break walk;
          if (taken !== "held") events.push(taken);
          cursor = position;
          scanned += 1;
          if (isFull()) break;
        }
        from = rows.length < PAGE ? end : cursor;
        if (cursor >= next) next = this.#groups.next(group, accepts, cursor);
      }
    }
    const batchSize = this.#addBatch(claim, events);
    if (cursor !== group.cursor) {
      this.#connection.run(SQL.serveGroup, cursor, claim.tx.now, group.id);
    }
    const more = next !== undefined && isFull();
    return { leased: events.map((event) => toLeased(claim, event, batchSize)), cursor, more };
  }

  /** Leaves an event to members that have a handler for it. */
  #passOver(
    { tx, group }: Claim,
    { row }: Candidate,
    { has, room }: { readonly has: ReadonlySet<number>; readonly room: { left?: number } },
  ): "held" | "full" {
    const { position, key, type } = row;
    if (has.has(position)) return "held";
    if (key !== null && this.#deliveries.isBusy(group.id, key)) {
      return this.#hold(group, position, key);
    }
    if (room.left === undefined) {
      const set = this.#connection.get<{ count: number }>(SQL.countAside, group.id);
      room.left = MOST_SET_ASIDE - (set?.count ?? 0);
    }
    if (room.left <= 0) return "full";
    room.left -= 1;
    this.#connection.run(SQL.insertAside, group.id, position, key, type);
    tx.rings = true;
    return "held";
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
      return this.#hold(group, position, key);
    }
    const event = known ?? this.#readOrBury(claim, fresh(row), row);
    if (event === undefined) return "held";
    if (key !== null) this.#insert(claim, { position, due: until, token, attempt: 1, key });
    return event;
  }

  /** It waits for an earlier one of its key. */
  #hold(group: Group, position: number, key: string): "held" | "full" {
    const held = this.#connection.get<{ count: number }>(SQL.countHeld, group.id);
    if ((held?.count ?? 0) >= MOST_HELD) return "full";
    this.#insert({ group }, { position, due: null, token: null, attempt: 0, key });
    return "held";
  }

  #insert({ group }: Pick<Claim, "group">, one: NewDelivery): void {
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
const NOTHING_DUE = { leased: [], lost: 0, ended: 0 };

/** Whether all that a group wants above its cursor is for a member to take, and all of it begins there. */
export function isUniform(
  wanted: WantedTypes,
  cursor: number,
  accepts: readonly string[] | undefined,
): boolean {
  return wanted.isAccepted(accepts) && wanted.hasBegun(cursor);
}

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
