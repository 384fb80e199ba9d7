import type { QueueError } from "@ringrift/event-queue";
import {
  checkSameGroupPolicy,
  completeGroupPolicy,
  type GivenGroupPolicy,
  groupIsReader,
  groupPolicyChanged,
  groupShared,
  groupStartUnstated,
  policyDifferences,
  presenceMs,
  statedPolicy,
  typesOfStrangers,
  WantedTypes,
} from "@ringrift/event-queue/backend";
import type { ClaimableGroup, Group, GroupStore } from "./group-store.ts";
import type { EventLog } from "../log/event-log.ts";
import type { MemberName, MemberStore } from "./member-store.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";

/** A group as whoever joins finds it. */
export interface JoinedGroup extends ClaimableGroup {
  readonly created: boolean;
  /** To be reported once it is committed. */
  readonly reports: readonly QueueError[];
}

/** A group, and what somebody states of it. */
export interface GroupAsked {
  readonly name: string;
  readonly given: GivenGroupPolicy;
}

/** Who joins. */
export interface Newcomer extends GroupAsked {
  readonly member: string;
}

/** A member, and what it states. */
export interface StatingMember extends MemberName {
  readonly given: GivenGroupPolicy;
}

/** Whether a group may be made without saying where it begins. */
export type StartStated =
  | { readonly isRequired: false }
  /** `count`: how many events it would get, counted before, without the write lock. */
  | { readonly isRequired: true; readonly count: number };

/** How groups follow their members. Its calls are synchronous, in the write transaction they are given. */
export class Joining {
  readonly #groups: GroupStore;
  readonly #members: MemberStore;
  readonly #log: EventLog;

  constructor(stores: {
    readonly groups: GroupStore;
    readonly members: MemberStore;
    readonly log: EventLog;
  }) {
    this.#groups = stores.groups;
    this.#members = stores.members;
    this.#log = stores.log;
  }

  /**
   * Makes the group unless it exists; else stores what a member states, and adds its types.
   *
   * @throws QueueError `GROUP_CONFIG_MISMATCH`, `GROUP_START_UNSTATED`
   */
  ensure(tx: WriteTransaction, { name, given }: GroupAsked, stated: StartStated): JoinedGroup {
    const found = this.#groups.toClaim(tx, name);
    if (found === undefined) {
      return { ...this.#make(tx, { name, given }, stated), created: true, reports: [] };
    }
    const { group, reports } = this.#state(found.group, given);
    const marked = this.#mark(tx, group, false);
    return { ...found, group: marked, created: false, reports };
  }

  /**
   * The same, and the member is there from now on.
   *
   * @throws QueueError `GROUP_CONFIG_MISMATCH`
   */
  join(tx: WriteTransaction, newcomer: Newcomer): JoinedGroup {
    const { name, given, member } = newcomer;
    const { group, state, created, reports } = this.ensure(tx, newcomer, { isRequired: false });
    const accepts = given.eventTypes;
    const others = this.#members.live(group.id, tx.now).filter((other) => other.member !== member);
    this.seen(tx, { groupId: group.id, member, given }, group);
    const strangers = typesOfStrangers(
      accepts,
      others.map((other) => other.accepts),
    );
    const shared = strangers === undefined ? [] : [groupShared(name, accepts ?? [], strangers)];
    const joined = this.#mark(tx, group, others.length === 0);
    return { group: joined, state, created, reports: [...reports, ...shared] };
  }

  /** Says that a member is there, and until when it counts as such. */
  seen(tx: WriteTransaction, member: StatingMember, group: Group): number {
    const { given } = member;
    const until = tx.now + presenceMs(given.leaseMs ?? group.policy.leaseMs);
    this.#members.put(member, given.eventTypes, until);
    return until;
  }

  /** A member is there no more. */
  leave(tx: WriteTransaction, name: MemberName): void {
    this.#members.delete(name);
    this.notice(tx, name.groupId);
  }

  /** Notes which types of a group nobody wants of those who are there. */
  notice(tx: WriteTransaction, groupId: number): void {
    const group = this.#groups.byId(groupId);
    if (group !== undefined) this.#mark(tx, group, false);
  }

  /**
   * Whether there is something to note, or somebody is gone who isn't forgotten: should the clock be set back, nobody may
   * count as there again.
   */
  isToNotice(group: Group, now: number): boolean {
    return this.#members.hasGone(group.id, now) || this.#marked(group, now, false) !== group.wanted;
  }

  /** Whether a member is there. */
  isThere(name: MemberName, now: number): boolean {
    return this.#members.has(name, now);
  }

  /** Whether somebody is there. */
  isServed(group: Group, now: number): boolean {
    return this.#members.live(group.id, now).length > 0;
  }

  #make(tx: WriteTransaction, { name, given }: GroupAsked, stated: StartStated): ClaimableGroup {
    const { from = "beginning", eventTypes = null } = given;
    const cursor = this.#log.startAfter(from);
    if (stated.isRequired && given.from === undefined) {
      const isAny =
        this.#log.firstPosition({ eventTypes, after: cursor, upTo: undefined }) !== undefined;
      if (isAny) throw groupStartUnstated(name, Math.max(1, stated.count));
    }
    const wanted = WantedTypes.of(eventTypes);
    const policy = completeGroupPolicy(given);
    // What came before it, it doesn't get: made again after a power cut it would begin elsewhere.
    tx.durable = true;
    return this.#groups.make(tx, { name, cursor, policy, wanted });
  }

  #state(
    group: Group,
    given: GivenGroupPolicy,
  ): { readonly group: Group; readonly reports: readonly QueueError[] } {
    const { name, policy } = group;
    const { eventTypes } = given;
    if (group.reader === 1 && eventTypes !== undefined) throw groupIsReader(name, eventTypes);
    if (given.isRequired === true) checkSameGroupPolicy(name, policy, given);
    const differences = policyDifferences(policy, statedPolicy(policy, given));
    const wanted =
      eventTypes === undefined ? group.wanted : group.wanted.with(eventTypes, this.#log.newest());
    if (differences.length === 0 && wanted === group.wanted) return { group, reports: [] };
    const stated = this.#groups.store(group, statedPolicy(policy, given), wanted);
    const reports = differences.length === 0 ? [] : [groupPolicyChanged(name, differences)];
    return { group: stated, reports };
  }

  #mark(tx: WriteTransaction, group: Group, isFirst: boolean): Group {
    this.#members.deleteGone(group.id, tx.now);
    const wanted = this.#marked(group, tx.now, isFirst);
    return wanted === group.wanted ? group : this.#groups.store(group, group.policy, wanted);
  }

  #marked(group: Group, now: number, isFirst: boolean): WantedTypes {
    const live = this.#members.live(group.id, now).map(({ accepts }) => accepts);
    return group.wanted.marked(live, { now, isFirst });
  }
}
