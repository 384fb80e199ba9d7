import { setTimeout } from "node:timers/promises";
import { newInstanceId } from "@ringrift/envelope";
import type { EnsuredGroup, QueueError } from "@ringrift/event-queue";
import {
  type BackendHost,
  type ClaimedEvent,
  type GroupMember,
  groupRemoved,
  isToBeSeen,
  type MemberOptions,
  type MemberRequest,
  presenceMs,
  statedPolicy,
  type StoredGroupPolicy,
  type Taken,
} from "@ringrift/event-queue/backend";
import { isUniform } from "../leasing/claimer.ts";
import type { Engine } from "../engine/engine.ts";
import type { ClaimableGroup, Group } from "../groups/group-store.ts";
import { LookAhead } from "../leasing/look-ahead.ts";
import { LOSABLE, MemberLease } from "./member-lease.ts";
import type { StatingMember } from "../groups/joining.ts";
import type { Leased } from "../leasing/event-taker.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";

/** What a member works with. */
export interface SqliteMemberParts {
  readonly engine: Engine;
  readonly host: BackendHost;
  readonly options: MemberOptions;
}

/** One member of a group of a queue in a file. */
export class SqliteMember implements GroupMember {
  readonly #parts: SqliteMemberParts;
  readonly #engine: Engine;
  readonly #id = newInstanceId("member");
  readonly #lookAhead = new LookAhead();
  /** The group that it has joined. */
  #joined: StatingMember | undefined;
  /** Until when it counts as there, if it isn't one that stays. */
  #seenUntil = Number.POSITIVE_INFINITY;
  /** What is stored, and what holds for this member therefore. */
  #stored: StoredGroupPolicy | undefined;
  #policy: StoredGroupPolicy | undefined;
  /** Something was there the last time: then whatever a look says, it is worth trying. */
  #busy = false;

  constructor(parts: SqliteMemberParts) {
    this.#parts = parts;
    this.#engine = parts.engine;
  }

  get policy(): StoredGroupPolicy | undefined {
    return this.#policy;
  }

  async ensure({ requireFrom }: { readonly requireFrom: boolean }): Promise<EnsuredGroup> {
    const { options } = this.#parts;
    const { committer, connection, groups, joining } = this.#engine;
    const stated = requireFrom
      ? { isRequired: true as const, count: await this.#countFromStart() }
      : { isRequired: false as const };
    const { group, created, reports } = await committer.submit((tx) =>
      joining.ensure(tx, options, stated),
    );
    const { id } = group;
    const info = await connection.read(() => groups.info(groups.byId(id) ?? group, Date.now()));
    // Once it is made anew on purpose, it is this one's group; it joins it with its next claim.
    if (this.#joined !== undefined && this.#joined.groupId !== id) this.#forgetGroup();
    this.#report(reports);
    return { ...info, created };
  }

  /** How many events a group would get that begins at the beginning; 0 if there is one, or it says where it begins. */
  #countFromStart(): Promise<number> {
    const { name, given } = this.#parts.options;
    const { connection, groups, log } = this.#engine;
    return connection.read(() => {
      if (given.from !== undefined || groups.find(name) !== undefined) return 0;
      const all = { eventTypes: given.eventTypes ?? null, after: 0, upTo: undefined };
      return log.countUpTo(MOST_COUNTED, all);
    });
  }

  async claim(request: MemberRequest): Promise<Taken<ClaimedEvent>> {
    for (;;) {
      const taken = await this.#claimOnce(request);
      // It came to its bounds before it came to anything.
      const isOver = taken.items.length > 0 || taken.retryInMs !== 0;
      if (isOver || request.signal?.aborted === true) return taken;
      // Others get the lock, before it goes on.
      await setTimeout(STEP_PAUSE_MS);
    }
  }

  /** Reads first, without any lock, what there is to claim; where there is nothing, it takes no lock at all. */
  async #claimOnce(request: MemberRequest): Promise<Taken<ClaimedEvent>> {
    const { limit, ahead, leaseMs, waitMs } = request;
    const { host, options } = this.#parts;
    const { committer, doorbell, claimer } = this.#engine;
    if (waitMs > 0) doorbell.listen();
    const now = Date.now();
    const wasBusy = this.#busy;
    if (!wasBusy || this.#lookAhead.size < limit + ahead) {
      const look = await this.#look(now, limit + ahead);
      if (!wasBusy && typeof look !== "string") return { items: [], retryInMs: look - now };
    }
    const claim = await committer.submit(
      (tx) => {
        const { group, state, reports, seenUntil } = this.#enter(tx);
        const policy = this.#policyOf(group);
        const result = claimer.claim(tx, group, {
          limit,
          ahead,
          leaseMs: leaseMs ?? policy.leaseMs,
          state,
          policy,
          accepts: options.given.eventTypes,
          known: this.#lookAhead,
        });
        const due = result.leased.length > 0 ? tx.now : this.#nextDue(group);
        return { ...result, id: group.id, due, reports, seenUntil };
      },
      { ...LOSABLE, urgent: !wasBusy },
    );
    this.#noteJoined(claim.id, claim.seenUntil);
    this.#report(claim.reports);
    this.#lookAhead.drop(claim.cursor);
    host.onDropped("retention", claim.lost);
    host.onDropped("type-ended", claim.ended);
    const items = claim.leased.map((leased) => this.#claimed(leased));
    this.#busy = items.length > 0;
    return { items, retryInMs: claim.more ? 0 : claim.due - now };
  }

  async leave(): Promise<void> {
    const joined = this.#joined;
    if (joined === undefined) return;
    const { committer, joining, presence } = this.#engine;
    presence.delete(joined);
    await committer.submit((tx) => joining.leave(tx, joined), LOSABLE);
  }

  /** The group as it is claimed from: joined now, if this member hasn't yet. It may run more than once. */
  #enter(tx: WriteTransaction): ClaimableGroup & {
    readonly reports: readonly QueueError[];
    readonly seenUntil: number;
  } {
    const { name, given } = this.#parts.options;
    const { groups, joining } = this.#engine;
    if (this.#joined === undefined) {
      const joined = joining.join(tx, { name, given, member: this.#id });
      const { leaseMs } = statedPolicy(joined.group.policy, given);
      return { ...joined, seenUntil: tx.now + presenceMs(leaseMs) };
    }
    const found = groups.toClaim(tx, name);
    if (found === undefined || found.group.id !== this.#joined.groupId) throw groupRemoved(name);
    if (!this.#isToBeSeen(found.group, tx.now)) {
      return { ...found, reports: NO_REPORTS, seenUntil: this.#seenUntil };
    }
    // It was away for so long that nobody counts on it any more: then it comes as one that is new.
    if (!joining.isThere(this.#joined, tx.now)) {
      const joined = joining.join(tx, { name, given, member: this.#id });
      const { leaseMs } = statedPolicy(joined.group.policy, given);
      return { ...joined, seenUntil: tx.now + presenceMs(leaseMs) };
    }
    const seenUntil = joining.seen(tx, this.#joined, found.group);
    joining.notice(tx, found.group.id);
    return { ...found, reports: NO_REPORTS, seenUntil };
  }

  #noteJoined(groupId: number, seenUntil: number): void {
    const { given, stays } = this.#parts.options;
    if (!stays) this.#seenUntil = seenUntil;
    if (this.#joined !== undefined) return;
    this.#joined = { groupId, member: this.#id, given };
    if (stays) this.#engine.presence.add(this.#joined);
  }

  #forgetGroup(): void {
    if (this.#joined !== undefined) this.#engine.presence.delete(this.#joined);
    this.#joined = undefined;
    this.#seenUntil = Number.POSITIVE_INFINITY;
  }

  /** Whether it should say again that it is there. One that stays says so by itself. */
  #isToBeSeen(group: Group, now: number): boolean {
    if (this.#parts.options.stays) return false;
    return isToBeSeen(this.#seenUntil, now, this.#policyOf(group).leaseMs);
  }

  /**
   * Says it in the transaction in which it settles something, unless it was away for too long. Should that fail, there is
   * time to say it again.
   */
  #beSeen(tx: WriteTransaction): void {
    const { groups, joining } = this.#engine;
    if (this.#joined === undefined || this.#policy === undefined) return;
    if (!isToBeSeen(this.#seenUntil, tx.now, this.#policy.leaseMs)) return;
    const group = groups.byId(this.#joined.groupId);
    if (group === undefined || !joining.isThere(this.#joined, tx.now)) return;
    this.#seenUntil = joining.seen(tx, this.#joined, group);
  }

  #seeAgainAt(group: Group): number {
    if (this.#joined === undefined) return Number.POSITIVE_INFINITY;
    // Also when somebody has set the clock back.
    if (this.#isToBeSeen(group, Date.now())) return 0;
    const { leaseMs } = this.#policyOf(group);
    return this.#seenUntil - (presenceMs(leaseMs) * 2) / 3;
  }

  /** When there will be something to do, if that is known and lies ahead. */
  #look(now: number, limit: number): Promise<"claimable" | number> {
    const { name, given } = this.#parts.options;
    const { connection, groups, log } = this.#engine;
    const accepts = given.eventTypes;
    return connection.read(() => {
      const group = groups.find(name);
      const joined = this.#joined;
      if (joined !== undefined && group?.id !== joined.groupId) throw groupRemoved(name);
      if (group === undefined) return "claimable";
      const isWhole = isUniform(group.wanted, group.cursor, accepts);
      if (isWhole) this.#lookAhead.fill(log, group, limit);
      // To join is something to do.
      if (joined === undefined) return "claimable";
      if (!group.policy.paused) {
        const isThere = isWhole
          ? this.#lookAhead.size > 0
          : groups.next(group, accepts) !== undefined;
        if (isThere) return "claimable";
      }
      const due = this.#nextDue(group);
      return due <= now ? "claimable" : due;
    });
  }

  /**
   * When there is something to do of which no commit tells: a retry, a lease that ends, to say that it is served, or
   * that this member is there.
   */
  #nextDue(group: Group): number {
    const { claimer, groups } = this.#engine;
    const touch = Math.min(groups.touchDue(group), this.#seeAgainAt(group));
    if (group.policy.paused) return touch;
    if (claimer.hasAside(group, this.#parts.options.given.eventTypes)) return 0;
    return Math.min(claimer.nextDue(group) ?? Number.POSITIVE_INFINITY, touch);
  }

  #policyOf({ policy }: Group): StoredGroupPolicy {
    if (policy !== this.#stored || this.#policy === undefined) {
      this.#stored = policy;
      this.#policy = statedPolicy(policy, this.#parts.options.given);
    }
    return this.#policy;
  }

  #claimed(leased: Leased): ClaimedEvent {
    const { event, until } = leased;
    const { given, stays } = this.#parts.options;
    const onSettling = stays ? () => {} : (tx: WriteTransaction) => this.#beSeen(tx);
    const lease = new MemberLease(this.#engine, leased, { given, onSettling });
    return { event, lease, until };
  }

  #report(reports: readonly QueueError[]): void {
    for (const report of reports) this.#parts.host.onError(report);
  }
}

/** Events of some types are counted so far. */
const MOST_COUNTED = 10_000;
/** Between two claims of which the first has only passed events that are held back. */
const STEP_PAUSE_MS = 4;
const NO_REPORTS: readonly QueueError[] = [];
