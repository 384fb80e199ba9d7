import type { StartFrom } from "@ringrift/envelope";
import type { GroupInfo } from "@ringrift/event-queue";
import {
  type AdoptedGroup,
  type Backlog,
  type CheckedGroupChange,
  decodeGroupPolicy,
  encodeGroupPolicy,
  groupNotFound,
  shownPolicy,
  statedPolicy,
  type StoredGroupPolicy,
  WantedTypes,
} from "@ringrift/event-queue/backend";
import { AheadCounter, type Count } from "./ahead-counter.ts";
import type { BatchStore } from "./batch-store.ts";
import type { Budget } from "../log/budget.ts";
import type { Claims } from "./name-claims.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { Connection } from "../database/connection.ts";
import type { EventLog } from "../log/event-log.ts";
import type { MemberStore } from "./member-store.ts";
import { SQL } from "../schema/statements.ts";

/** A group as it is stored. */
export interface Group {
  readonly id: number;
  readonly name: string;
  readonly cursor: number;
  /** Its types are those of `wanted`. */
  readonly policy: StoredGroupPolicy;
  readonly wanted: WantedTypes;
  /** 1: its name was claimed, and it is its holder's reading group. */
  readonly reader: 0 | 1;
  readonly servedAt: number;
  /** Events it was made to skip. */
  readonly skipped: number;
  /** Where it began, if a migration has made it and nobody has moved it since. */
  readonly adopted: number | null;
  /** Up to here its events may have been handled in another queue. */
  readonly againUpTo: number;
}

/** What a claim of a group has to look for, as 0 or 1. */
export interface ClaimState {
  readonly isDeliveryDue: number;
  readonly isBatchDue: number;
  /** Something above the cursor has a delivery: the group was moved back. */
  readonly hasPassed: number;
  /** Something waits for a member that has a handler for it. */
  readonly hasAside: number;
}

/** A group, and what there is to claim of it. */
export interface ClaimableGroup {
  readonly group: Group;
  readonly state: ClaimState;
}

interface GroupRow extends Omit<Group, "policy" | "wanted"> {
  readonly policy: string;
  /** NULL: a version before has made it. */
  readonly wanted: string | null;
}

/** Of a group that was made just now. */
const NOTHING_YET: ClaimState = { isDeliveryDue: 0, isBatchDue: 0, hasPassed: 0, hasAside: 0 };
/** Texts of policies and of wanted types that are remembered; few are in use at a time. */
const MOST_TEXTS = 1_000;

/** What was passed and isn't settled is counted so far: some ms. */
const MOST_DELIVERIES = 100_000;

/** An idle member says at least so often that it is there. */
const TOUCH_EVERY_MS = 60_000;

/** The groups of a queue: name, policy and cursor. Its calls are synchronous; who calls has the connection. */
export class GroupStore {
  readonly ahead: AheadCounter;
  readonly #connection: Connection;
  readonly #log: EventLog;
  readonly #claims: Claims;
  readonly #batches: BatchStore;
  readonly #members: MemberStore;
  /** By their text. */
  readonly #policies = new Map<string, StoredGroupPolicy>();
  readonly #wanted = new Map<string, WantedTypes>();

  constructor(
    connection: Connection,
    stores: {
      readonly log: EventLog;
      readonly claims: Claims;
      readonly batches: BatchStore;
      readonly members: MemberStore;
    },
  ) {
    this.#connection = connection;
    this.ahead = new AheadCounter(connection, stores.log);
    this.#log = stores.log;
    this.#claims = stores.claims;
    this.#batches = stores.batches;
    this.#members = stores.members;
  }

  find(name: string): Group | undefined {
    const row = this.#connection.get<GroupRow>(SQL.groupByName, name);
    return row && this.#toGroup(row);
  }

  all(): Group[] {
    return this.#connection.all<GroupRow>(SQL.groups).map((row) => this.#toGroup(row));
  }

  byId(id: number): Group | undefined {
    const row = this.#connection.get<GroupRow>(SQL.groupById, id);
    return row && this.#toGroup(row);
  }

  /** The group and what there is to claim of it; notes that it is served. */
  toClaim(tx: WriteTransaction, name: string): ClaimableGroup | undefined {
    const row = this.#connection.get<GroupRow & ClaimState>(SQL.groupToClaim, tx.now, tx.now, name);
    if (row === undefined) return undefined;
    const group = this.#toGroup(row);
    this.touch(tx, group);
    return { group, state: row };
  }

  /** Makes a group that doesn't exist. */
  make(
    tx: WriteTransaction,
    { name, cursor, policy, wanted }: Pick<Group, "name" | "cursor" | "policy" | "wanted">,
  ): ClaimableGroup {
    const id = this.#connection.get<{ id: number }>(SQL.nextGroupId)?.id ?? null;
    const isReader =
      wanted.eventTypes === null && this.#claims.holderOf(name, tx.now) !== undefined;
    const texts = [encodeGroupPolicy(policy), wanted.encode()];
    this.#connection.run(SQL.insertGroup, id, name, cursor, ...texts, isReader ? 1 : 0, tx.now);
    return { group: this.#existing(name), state: NOTHING_YET };
  }

  /** Stores other values, or other types. */
  store(group: Group, policy: StoredGroupPolicy, wanted: WantedTypes): Group {
    const { eventTypes } = wanted;
    const text = encodeGroupPolicy({ ...policy, eventTypes });
    this.#connection.run(SQL.setPolicy, text, wanted.encode(), group.id);
    return this.#existing(group.name);
  }

  /** Makes a group as it was in another queue; one that is there is moved if nobody was given anything of it. */
  adopt(tx: WriteTransaction, adopted: AdoptedGroup): void {
    const { name, policy, isReader, after, againUpTo } = adopted;
    const wanted = WantedTypes.of(policy.eventTypes);
    const found = this.find(name);
    if (found !== undefined && !this.#isUntouched(found)) return;
    const { id } = found ?? this.make(tx, { name, cursor: after, policy, wanted }).group;
    const values = [encodeGroupPolicy(policy), wanted.encode(), isReader ? 1 : 0];
    this.#connection.run(SQL.adoptGroup, ...values, after, after, againUpTo, id);
    tx.rings = true;
  }

  /** @throws QueueError `GROUP_NOT_FOUND` */
  configure(tx: WriteTransaction, name: string, change: CheckedGroupChange): Group {
    const group = this.#existing(name);
    tx.rings = true;
    return this.store(group, statedPolicy(group.policy, change), group.wanted);
  }

  /** Whoever holds the name reads by this group, if it reads every type. */
  noteClaimed(name: string): void {
    const group = this.find(name);
    if (group === undefined || group.reader === 1 || group.wanted.eventTypes !== null) return;
    this.#connection.run(SQL.setReader, group.id);
  }

  /** When a member should say again that the group is served, or it would expire one day. */
  touchDue({ servedAt, policy }: Group): number {
    return servedAt + Math.min(TOUCH_EVERY_MS, policy.expireAfterMs / 4);
  }

  /** Notes that the group is served, unless that was noted a moment ago; when to note it again. */
  touch(tx: WriteTransaction, group: Group): number {
    if (this.touchDue(group) > tx.now) return this.touchDue(group);
    this.#connection.run(SQL.touchGroup, tx.now, group.id);
    return this.touchDue({ ...group, servedAt: tx.now });
  }

  /**
   * Moves a cursor and drops what was in flight or waiting for a retry.
   *
   * @throws QueueError `GROUP_NOT_FOUND`
   */
  seek(tx: WriteTransaction, name: string, from: StartFrom): Group {
    const group = this.#existing(name);
    this.#connection.run(SQL.seekCursor, this.#log.startAfter(from), group.id);
    this.#connection.run(SQL.forgetAdopted, group.id);
    this.#dropDeliveries(group);
    this.store(group, group.policy, group.wanted.fromCursor());
    tx.rings = true;
    return this.#existing(name);
  }

  /**
   * Removes a group: as much of what it has as the budget allows, and then the group itself. How many events it had
   * still to settle, of those that went now, and whether it is gone.
   */
  dissolve(
    tx: WriteTransaction,
    group: Group,
    budget: Budget,
  ): { readonly dropped: number; readonly isGone: boolean } {
    budget.spend((rows) => this.#connection.run(SQL.deleteDeadLettersOf, group.name, rows));
    const dropped = budget.spend((rows) =>
      this.#connection.run(SQL.deleteSomeDeliveries, { group: group.id, rows }),
    );
    if (budget.isSpent) return { dropped, isGone: false };
    const rest = this.pending(group).count;
    this.#batches.clear(group.id);
    this.#claims.forget(group.name);
    this.#members.clear(group.id);
    this.#connection.run(SQL.deleteGroup, group.id);
    // Its members learn of it.
    tx.rings = true;
    return { dropped: dropped + rest, isGone: true };
  }

  /** What the group has still to settle. */
  pending(group: Group): Count {
    const held = this.#settling(group, MOST_DELIVERIES);
    const ahead = this.ahead.count(group);
    return { count: held + ahead.count, isAtLeast: held >= MOST_DELIVERIES || ahead.isAtLeast };
  }

  /** The group that has the most still to settle, of those that hold senders back; counted no further than `enough`. */
  furthestBehind(enough: number, now: number): Backlog | undefined {
    return this.all()
      .filter(({ reader, name }) => reader === 0 || this.#claims.holderOf(name, now) !== undefined)
      .map((group) => ({
        group: group.name,
        pending: this.#settling(group, enough) + this.ahead.enough(group, enough),
      }))
      .toSorted((one, other) => other.pending - one.pending)[0];
  }

  /**
   * The oldest event that it has still to settle, but for what was redriven.
   *
   * @throws QueueError `GROUP_NOT_FOUND`
   */
  oldestUnsettled(name: string): number | undefined {
    const group = this.#existing(name);
    const row = this.#connection.get<{ position: number | null }>(SQL.oldestUnsettled, group.id);
    const positions = [row?.position, this.#batches.oldest(group.id), this.next(group)];
    const oldest = Math.min(...positions.map((position) => position ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(oldest) ? oldest : undefined;
  }

  /** The lowest position that the group may still need; infinite when it has settled everything. */
  floor(group: Group): number {
    const oldest = this.#connection.get<{ position: number | null }>(SQL.oldestDelivery, group.id);
    const infinity = Number.POSITIVE_INFINITY;
    const inBatch = this.#batches.oldest(group.id);
    return Math.min(
      oldest?.position ?? infinity,
      inBatch ?? infinity,
      this.next(group) ?? infinity,
    );
  }

  /** The first position above the cursor that the group wants, and whoever accepts these types. */
  next(
    group: Group,
    accepts?: readonly string[],
    above: number = group.cursor,
  ): number | undefined {
    for (const segment of group.wanted.segments(above)) {
      const eventTypes = intersection(segment.eventTypes, accepts);
      if (eventTypes?.length === 0) continue;
      const position = this.#log.firstPosition({ ...segment, eventTypes });
      if (position !== undefined) return position;
    }
    return undefined;
  }

  hasDeadLetters(group: Group): boolean {
    return this.#connection.get(SQL.anyDeadLetterOf, group.name) !== undefined;
  }

  /** Passes over what retention is about to take; how many events there were that it wanted and hadn't come to. */
  miss(group: Group, upTo: number): number {
    if (upTo <= group.cursor) return 0;
    const count = this.ahead.upTo(group, upTo);
    this.#connection.run(SQL.seekCursor, upTo, group.id);
    this.#connection.run(SQL.countSkipped, count, group.id);
    return count;
  }

  /** Counts what may be much; not for a write transaction. */
  info(group: Group, now: number): GroupInfo {
    const { count: pending, isAtLeast } = this.pending(group);
    const dead = this.#connection.get<{ count: number }>(SQL.countDeadLettersOf, group.name);
    const aside = this.#connection.all<{ type: string; count: number; retrying: number }>(
      SQL.asideTypes,
      group.id,
    );
    const { inFlight, retrying } = this.#counts(group, now);
    return {
      name: group.name,
      kind: group.reader === 1 ? "reader" : "work",
      cursor: group.cursor,
      pending,
      ...(isAtLeast && { pendingIsAtLeast: true }),
      inFlight,
      retrying: aside.reduce((sum, some) => sum + some.retrying, retrying),
      setAside: Object.fromEntries(aside.map(({ type, count }) => [type, count])),
      deadLetters: dead?.count ?? 0,
      lastServedAt: group.servedAt,
      ...shownPolicy(group.policy),
      skipped: group.skipped,
      claimedBy: this.#claims.holderOf(group.name, now),
    };
  }

  /** What it has passed and not settled, counted no further than `enough`. */
  #settling({ id }: Group, enough: number): number {
    const rows = this.#number(SQL.countDeliveries, id, enough);
    return rows + this.#batches.counts(id, 0).pending;
  }

  #counts({ id }: Group, now: number): DeliveryCounts {
    const most = MOST_DELIVERIES;
    const rows = this.#connection.get<DeliveryCounts>(SQL.deliveryCounts, { now, group: id, most });
    const batches = this.#batches.counts(id, now);
    return {
      inFlight: (rows?.inFlight ?? 0) + batches.pending - batches.expired,
      retrying: (rows?.retrying ?? 0) + batches.expired,
    };
  }

  #number(sql: string, ...parameters: unknown[]): number {
    return this.#connection.get<{ count: number }>(sql, ...parameters)?.count ?? 0;
  }

  #isUntouched({ id, cursor, adopted }: Group): boolean {
    if (adopted !== cursor || this.#batches.oldest(id) !== undefined) return false;
    return this.#connection.get(SQL.anyDelivery, id) === undefined;
  }

  #dropDeliveries(group: Group): void {
    this.#connection.run(SQL.deleteDeliveries, group.id);
    this.#batches.clear(group.id);
  }

  /** Both change seldom, and are asked for at every claim. */
  #toGroup(row: GroupRow): Group {
    return { ...row, policy: this.#policyOf(row.policy), wanted: this.#wantedOf(row) };
  }

  #policyOf(text: string): StoredGroupPolicy {
    const known = this.#policies.get(text);
    if (known !== undefined) return known;
    const policy = decodeGroupPolicy(text);
    Object.freeze(policy.backoff);
    if (policy.eventTypes !== null) Object.freeze(policy.eventTypes);
    if (this.#policies.size >= MOST_TEXTS) this.#policies.clear();
    this.#policies.set(text, policy);
    return policy;
  }

  #wantedOf({ wanted: stored, policy }: GroupRow): WantedTypes {
    const text = stored ?? policy;
    const known = this.#wanted.get(text);
    if (known !== undefined) return known;
    const wanted =
      stored === null
        ? WantedTypes.of(this.#policyOf(policy).eventTypes)
        : WantedTypes.decode(stored);
    if (this.#wanted.size >= MOST_TEXTS) this.#wanted.clear();
    this.#wanted.set(text, wanted);
    return wanted;
  }

  #existing(name: string): Group {
    const group = this.find(name);
    if (group === undefined) throw groupNotFound(name);
    return group;
  }
}

interface DeliveryCounts {
  readonly inFlight: number;
  readonly retrying: number;
}

/** Types of which events are wanted and accepted; `null` for every type. */
function intersection(
  eventTypes: readonly string[] | null,
  accepts: readonly string[] | undefined,
): readonly string[] | null {
  if (accepts === undefined) return eventTypes;
  return eventTypes === null ? accepts : eventTypes.filter((type) => accepts.includes(type));
}
