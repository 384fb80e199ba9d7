import type { ErrorData, StoredEvent } from "@ringrift/event-queue";
import type { StoredGroupPolicy, WantedTypes } from "@ringrift/event-queue/backend";
import type { BatchStore } from "../groups/batch-store.ts";
import { Budget } from "../log/budget.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { Connection } from "../database/connection.ts";
import { withFailure } from "../groups/dead-letter-store.ts";
import type { Delivery, DeliveryStore } from "./delivery-store.ts";
import type { ClaimState, Group, GroupStore } from "../groups/group-store.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Candidate, LookAhead } from "./look-ahead.ts";
import type { EventRow } from "../database/event-row.ts";
import { HeldEvents } from "./held-events.ts";
import { SQL } from "../schema/statements.ts";
import { type Claim, EventTaker, type Leased, toLeased } from "./event-taker.ts";

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

/** What was due again. */
interface DueClaim {
  readonly leased: readonly Leased[];
  readonly lost: number;
  readonly ended: number;
  /** So much was buried or dropped that the rest is left to the next claim. */
  readonly isCut: boolean;
}

/** Deliveries that one claim buries or drops, about: each takes some ten µs. */
const MOST_GONE = 200;
/** Rows of the log that one claim looks at, at most, once it has something, or when most of them are left to others. */
const MOST_SCANNED = 1_000;
/** Rows of the log that are read at once where only some are taken. */
const PAGE = 200;

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
  readonly #taker: EventTaker;

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
    this.#taker = new EventTaker(connection, stores);
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
    if (group.policy.paused) {
      return { leased: [], cursor: group.cursor, more: false, lost: 0, ended: 0 };
    }
    const { leaseMs, state, accepts } = request;
    const claim = { tx, group, until: tx.now + leaseMs, held: new HeldEvents() };
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
    const { lost, ended, isCut } = again;
    const more = fresh.more || isCut;
    if (before.length === 0) return { ...fresh, more, lost, ended };
    return {
      ...fresh,
      more,
      leased: [...before, ...fresh.leased].toSorted(
        (left, right) => left.event.position - right.event.position,
      ),
      lost,
      ended,
    };
  }

  /** What is buried or dropped makes room for others, and lets the next event of its key come: these are due at once. */
  #claimDue(claim: Claim, request: ClaimRequest): DueClaim {
    let found = NOTHING_DUE;
    for (let gone = 0; ;) {
      const more = this.#claimDueOnce(claim, request, found);
      gone += more.gone;
      found = { ...more, isCut: more.gone > 0 && gone >= MOST_GONE };
      if (more.gone === 0 || found.isCut) break;
    }
    const { ended } = found;
    if (ended > 0) this.#connection.run(SQL.countSkipped, ended, claim.group.id);
    return found;
  }

  #claimDueOnce(
    claim: Claim,
    { limit, ahead, policy, accepts }: ClaimRequest,
    before: DueClaim,
  ): Omit<DueClaim, "isCut"> & { readonly gone: number } {
    const { tx, group } = claim;
    const leased = [...before.leased];
    let { lost, ended } = before;
    let gone = 0;
    let most = leased.some(({ event }) => event.attempt > 1) ? limit : limit + ahead;
    const room = most - leased.length;
    const rows =
      room > 0 ? this.#connection.all<Delivery>(SQL.dueDeliveries, group.id, tx.now, room) : [];
    for (const delivery of rows) {
      if (delivery.attempt > 0) most = limit;
      if (leased.length >= most) break;
      const row = this.#deliveries.rowOf(delivery);
      if (row === undefined) {
        this.#deliveries.forget(tx, group, delivery);
        lost += 1;
        gone += 1;
        continue;
      }
      // What was written over has no type, and is for anybody to bury.
      const isTyped = typeof row.type === "string";
      if (isTyped && delivery.redriven === 0 && !group.wanted.has(row.type)) {
        this.#deliveries.forget(tx, group, delivery);
        ended += 1;
        gone += 1;
        continue;
      }
      const isAccepted = !isTyped || accepts === undefined || accepts.includes(row.type);
      const expired = delivery.token !== null;
      const { maxAttempts } = isAccepted ? policy : group.policy;
      if (expired && delivery.attempt >= maxAttempts) {
        this.#deliveries.bury(tx, group, { delivery, row, error: LEASE_EXPIRED });
        gone += 1;
        continue;
      }
      const failures = expired
        ? withFailure(delivery, { time: tx.now, message: LEASE_EXPIRED.message })
        : delivery.failures;
      if (isAccepted) {
        const one = this.#taker.leaseAgain(claim, { ...delivery, failures }, row);
        if (one === undefined) gone += 1;
        else leased.push(one);
        continue;
      }
      const { position } = delivery;
      this.#connection.run(SQL.setAside, failures, row.type, group.id, position);
      tx.rings = true;
    }
    return { leased, lost, ended, gone };
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
      return (row && this.#taker.leaseAgain(claim, delivery, row)) ?? [];
    });
  }

  #asideTypes(group: Group, accepts: readonly string[] | undefined): string[] {
    return this.#connection
      .all<{ type: string }>(SQL.asideTypes, group.id)
      .flatMap(({ type }) => (accepts === undefined || accepts.includes(type) ? type : []));
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
    const takeAll = (candidates: readonly Candidate[]): void => {
      const has = passed ? this.#taker.deliveriesAmong(group, candidates) : NONE;
      for (const candidate of candidates) {
        if (events.length >= limit) return;
        const event = this.#taker.take(claim, candidate, has);
        cursor = candidate.row.position;
        if (event !== "held") events.push(event);
      }
    };
    if (limit > 0) takeAll(known.above(cursor, eventTypes));
    // The rest comes with the next claim, and is read without the lock before it.
    if (limit > 0 && events.length === 0) {
      new Budget().spend((rows) => {
        const asked = Math.max(rows, limit - events.length);
        const found = this.#log.find({ eventTypes, after: cursor, limit: asked });
        takeAll(found.map(unread));
        scanned += found.length;
        const isEnough = events.length > 0 && scanned >= MOST_SCANNED;
        if (isEnough || events.length >= limit) return 0;
        if (found.length === asked) return rows;
        more = false;
        // What lies behind is of other types.
        cursor = Math.max(cursor, this.#log.newest());
        return 0;
      });
    }
    const batchSize = this.#taker.finish(claim, events);
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
        const candidates = rows.map(unread);
        const has = passed ? this.#taker.deliveriesAmong(group, candidates) : NONE;
        for (const candidate of candidates) {
          const { position, type } = candidate.row;
          // What was written over may have no type, and is for anybody to bury.
          const isTyped = typeof (type as unknown) === "string";
          const isAccepted = accepts === undefined || !isTyped || accepts.includes(type);
          const taken = isAccepted
            ? this.#taker.take(claim, candidate, has)
            : this.#taker.passOver(claim, candidate, { has, room });
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
    const batchSize = this.#taker.finish(claim, events);
    if (cursor !== group.cursor) {
      this.#connection.run(SQL.serveGroup, cursor, claim.tx.now, group.id);
    }
    const more = next !== undefined && isFull();
    return { leased: events.map((event) => toLeased(claim, event, batchSize)), cursor, more };
  }
}

/** What was read under the lock is parsed when it is taken. */
function unread(row: EventRow): Candidate {
  return { row, event: undefined };
}

/** At random: nothing has to be written for it, and no other claim has it. */
function newToken(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}

const NONE: ReadonlySet<number> = new Set();
const NOTHING_DUE: DueClaim = { leased: [], lost: 0, ended: 0, isCut: false };

/** Whether all that a group wants above its cursor is for a member to take, and all of it begins there. */
export function isUniform(
  wanted: WantedTypes,
  cursor: number,
  accepts: readonly string[] | undefined,
): boolean {
  return wanted.isAccepted(accepts) && wanted.hasBegun(cursor);
}
