import type { StartFrom } from "@ringrift/envelope";
import type { GroupInfo } from "@ringrift/event-queue";
import {
  type Backlog,
  checkSameGroupPolicy,
  completeGroupPolicy,
  decodeGroupPolicy,
  encodeGroupPolicy,
  type GivenGroupPolicy,
  groupNotFound,
  shownPolicy,
  type StoredGroupPolicy,
} from "@ringrift/event-queue/backend";
import type { BatchStore } from "./batches.ts";
import type { Budget } from "./budget.ts";
import type { Claims } from "./claims.ts";
import type { WriteTransaction } from "./write-transaction.ts";
import type { Connection } from "./connection.ts";
import type { EventLog } from "./log.ts";
import { SQL } from "./schema.ts";

/** A group as it is stored. */
export interface Group {
  readonly id: number;
  readonly name: string;
  readonly cursor: number;
  readonly policy: StoredGroupPolicy;
  readonly servedAt: number;
  /** Events it was made to skip. */
  readonly skipped: number;
}

/** What a claim of a group has to look for, as 0 or 1. */
export interface ClaimState {
  readonly isDeliveryDue: number;
  readonly isBatchDue: number;
  /** Something above the cursor has a delivery: the group was moved back. */
  readonly hasPassed: number;
}

interface GroupRow extends Omit<Group, "policy"> {
  readonly policy: string;
}

/** Of a group that was made just now. */
const NOTHING_YET: ClaimState = { isDeliveryDue: 0, isBatchDue: 0, hasPassed: 0 };

/** An idle member says at least so often that it is there. */
const TOUCH_EVERY_MS = 60_000;

/** The groups of a queue: name, policy and cursor. Its calls are synchronous; who calls has the connection. */
export class GroupStore {
  readonly #connection: Connection;
  readonly #log: EventLog;
  readonly #claims: Claims;
  readonly #batches: BatchStore;
  /** By their text. */
  readonly #policies = new Map<string, StoredGroupPolicy>();

  constructor(
    connection: Connection,
    stores: { readonly log: EventLog; readonly claims: Claims; readonly batches: BatchStore },
  ) {
    this.#connection = connection;
    this.#log = stores.log;
    this.#claims = stores.claims;
    this.#batches = stores.batches;
  }

  find(name: string): Group | undefined {
    const row = this.#connection.get<GroupRow>(SQL.groupByName, name);
    return row && this.#toGroup(row);
  }

  all(): Group[] {
    return this.#connection.all<GroupRow>(SQL.groups).map((row) => this.#toGroup(row));
  }

  /**
   * Makes the group unless it exists.
   *
   * @throws QueueError `GROUP_CONFIG_MISMATCH`
   */
  ensure(
    tx: WriteTransaction,
    name: string,
    given: GivenGroupPolicy,
  ): { readonly group: Group; readonly state: ClaimState; readonly created: boolean } {
    const row = this.#connection.get<GroupRow & ClaimState>(SQL.groupToClaim, tx.now, tx.now, name);
    if (row !== undefined) {
      const group = this.#toGroup(row);
      checkSameGroupPolicy(name, group.policy, given);
      this.touch(tx, group);
      return { group, state: row, created: false };
    }
    const cursor = this.#log.startAfter(given.from ?? "beginning");
    const policy = encodeGroupPolicy(completeGroupPolicy(given));
    this.#connection.run(SQL.insertGroup, name, cursor, policy, tx.now);
    // What came before it, it doesn't get: made again after a power cut it would begin elsewhere.
    tx.durable = true;
    return { group: this.#existing(name), state: NOTHING_YET, created: true };
  }

  /** When a member should say again that the group is served, or it would expire one day. */
  touchDue({ servedAt, policy }: Group): number {
    return servedAt + Math.min(TOUCH_EVERY_MS, policy.expireAfterMs / 4);
  }

  /** Notes that the group is served, unless that was noted a moment ago. */
  touch(tx: WriteTransaction, group: Group): void {
    if (this.touchDue(group) <= tx.now) this.#connection.run(SQL.touchGroup, tx.now, group.id);
  }

  /**
   * Moves a cursor and drops what was in flight or waiting for a retry.
   *
   * @throws QueueError `GROUP_NOT_FOUND`
   */
  seek(tx: WriteTransaction, name: string, from: StartFrom): Group {
    const group = this.#existing(name);
    this.#connection.run(SQL.seekCursor, this.#log.startAfter(from), group.id);
    this.#dropDeliveries(group);
    tx.rings = true;
    return this.#existing(name);
  }

  /**
   * Removes a group: as much of what it has as the budget allows, and then the group itself. How many events it had
   * still to settle, of those that went now, and whether it is gone.
   */
  dissolve(group: Group, budget: Budget): { readonly dropped: number; readonly isGone: boolean } {
    budget.spend((rows) => this.#connection.run(SQL.deleteDeadLettersOf, group.name, rows));
    const dropped = budget.spend((rows) =>
      this.#connection.run(SQL.deleteSomeDeliveries, { group: group.id, rows }),
    );
    if (budget.isSpent) return { dropped, isGone: false };
    const rest = this.pending(group);
    this.#batches.clear(group.id);
    this.#claims.forget(group.name);
    this.#connection.run(SQL.deleteGroup, group.id);
    return { dropped: dropped + rest, isGone: true };
  }

  /** What the group has still to settle. */
  pending(group: Group): number {
    const held = this.#counts(group, 0).pending;
    return held + this.#ahead(group);
  }

  /** The group that has the most still to settle; counted no further than `enough`. */
  furthestBehind(enough: number): Backlog | undefined {
    return this.all()
      .map((group) => {
        const { eventTypes } = group.policy;
        const above = this.#log.countUpTo(enough, eventTypes, group.cursor);
        return { group: group.name, pending: this.#counts(group, 0).pending + above };
      })
      .toSorted((one, other) => other.pending - one.pending)[0];
  }

  /** The lowest position that the group may still need. */
  floor(group: Group): number {
    const oldest = this.#connection.get<{ position: number | null }>(SQL.oldestDelivery, group.id);
    const next = this.#log.firstPosition(group.policy.eventTypes, group.cursor);
    const infinity = Number.POSITIVE_INFINITY;
    const inBatch = this.#batches.oldest(group.id);
    return Math.min(oldest?.position ?? infinity, inBatch ?? infinity, next ?? infinity);
  }

  info(group: Group, now: number): GroupInfo {
    const { pending, inFlight, retrying } = this.#counts(group, now);
    const dead = this.#connection.get<{ count: number }>(SQL.countDeadLettersOf, group.name);
    return {
      name: group.name,
      cursor: group.cursor,
      pending: pending + this.#ahead(group),
      inFlight,
      retrying,
      deadLetters: dead?.count ?? 0,
      lastServedAt: group.servedAt,
      ...shownPolicy(group.policy),
      skipped: group.skipped,
      claimedBy: this.#claims.holderOf(group.name, now),
    };
  }

  /** Events of the log that it has not come to. */
  #ahead({ id, cursor, policy }: Group): number {
    // Redriven events that lie ahead, since the group was moved back, have a delivery and are counted as such.
    const redriven = this.#connection.get<{ count: number }>(SQL.countDeliveriesAfter, id, cursor);
    return this.#log.count(policy.eventTypes, cursor) - (redriven?.count ?? 0);
  }

  #counts(group: Group, now: number): DeliveryCounts {
    const counts = this.#connection.get<DeliveryCounts>(SQL.deliveryCounts, now, now, group.id);
    const rows = counts ?? { pending: 0, inFlight: 0, retrying: 0 };
    const batches = this.#batches.counts(group.id, now);
    return {
      pending: rows.pending + batches.pending,
      inFlight: rows.inFlight + batches.pending - batches.expired,
      retrying: rows.retrying + batches.expired,
    };
  }

  #dropDeliveries(group: Group): void {
    this.#connection.run(SQL.deleteDeliveries, group.id);
    this.#batches.clear(group.id);
  }

  /** Policies never change, and are asked for at every claim. */
  #toGroup(row: GroupRow): Group {
    const known = this.#policies.get(row.policy);
    if (known !== undefined) return { ...row, policy: known };
    const policy = decodeGroupPolicy(row.policy);
    Object.freeze(policy.backoff);
    if (policy.eventTypes !== null) Object.freeze(policy.eventTypes);
    this.#policies.set(row.policy, policy);
    return { ...row, policy };
  }

  #existing(name: string): Group {
    const group = this.find(name);
    if (group === undefined) throw groupNotFound(name);
    return group;
  }
}

interface DeliveryCounts {
  readonly pending: number;
  readonly inFlight: number;
  readonly retrying: number;
}
