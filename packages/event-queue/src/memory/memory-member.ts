import type {
  BackendLease,
  ClaimedEvent,
  GroupMember,
  MemberOptions,
  MemberRequest,
} from "../backend/queue-backend.ts";
import type { NackOptions } from "../contract/events.ts";
import type { QueueError } from "../failures/errors.ts";
import { groupRemoved } from "../checking/group-errors.ts";
import { statedPolicy, type StoredGroupPolicy } from "../checking/group-policy.ts";
import type { EnsuredGroup } from "../contract/groups.ts";
import type { Taken } from "../reading/long-poll.ts";
import { toStoredEvent } from "../sending/stored-event.ts";
import type { LeasedEntry } from "../memory-state/group-entry.ts";
import type { PresentMember } from "../memory-state/group-members.ts";
import type { GroupState } from "../memory-state/group-state.ts";
import { groupInfo } from "./memory-groups.ts";
import { admitMember, makeGroup, stateValues } from "./memory-joining.ts";
import type { SweptLog } from "../memory-state/memory-log.ts";

/** One member of a group of a log in memory. */
export class MemoryMember implements GroupMember, PresentMember {
  readonly accepts: readonly string[] | undefined;
  readonly stays: boolean;
  readonly #log: SweptLog;
  readonly #options: MemberOptions;
  readonly #report: (error: unknown) => void;
  readonly #tellOfBuried: () => void;
  /** The group that it has joined. */
  #group: GroupState | undefined;

  constructor(parts: {
    readonly log: SweptLog;
    readonly options: MemberOptions;
    readonly report: (error: unknown) => void;
    /** Tells of what was buried by this instance. */
    readonly tellOfBuried: () => void;
  }) {
    this.#tellOfBuried = parts.tellOfBuried;
    this.#log = parts.log;
    this.#options = parts.options;
    this.#report = parts.report;
    this.accepts = parts.options.given.eventTypes;
    this.stays = parts.options.stays;
  }

  get policy(): StoredGroupPolicy | undefined {
    return this.#group && statedPolicy(this.#group.policy, this.#options.given);
  }

  async ensure({ requireFrom }: { readonly requireFrom: boolean }): Promise<EnsuredGroup> {
    const log = this.#log();
    const { name, given } = this.#options;
    const found = log.groups.get(name);
    const group = found ?? makeGroup(log, this.#options, requireFrom);
    if (found !== undefined) this.#tell(stateValues(log, group, given));
    group.noteMembers(log.now());
    // Once it is made anew on purpose, it is this one's group.
    this.#group &&= group;
    group.serve(log.now());
    return { ...groupInfo(log, group), created: found === undefined };
  }

  async claim({ limit, leaseMs }: MemberRequest): Promise<Taken<ClaimedEvent>> {
    const log = this.#log();
    const group = this.#join();
    const now = log.now();
    const policy = statedPolicy(group.policy, this.#options.given);
    group.members.seen(this, now, policy.leaseMs);
    const accepts = (type: string): boolean => this.accepts?.includes(type) ?? true;
    const items = group
      .claim({ limit, leaseMs: leaseMs ?? policy.leaseMs, now, policy, accepts })
      .map((entry) => this.#claimed(group, entry));
    this.#tellOfBuried();
    // Others may wait for what was set aside just now.
    if (items.length > 0 && group.hasSetAside((type) => !accepts(type))) log.ring();
    return { items, retryInMs: group.nextDueIn(now) };
  }

  async leave(): Promise<void> {
    const group = this.#group;
    if (group === undefined) return;
    group.members.leave(this);
    group.noteMembers(this.#log().now());
  }

  /** Its process is gone. */
  vanish(): void {
    this.#group?.members.leave(this);
  }

  /** The group as stored, made now if need be, unless this one had joined it before. */
  #join(): GroupState {
    const log = this.#log();
    const { name, given } = this.#options;
    const found = log.groups.get(name);
    if (this.#group !== undefined) {
      if (found !== this.#group) throw groupRemoved(name);
      if (found.members.has(this)) return found;
    }
    const group = found ?? makeGroup(log, this.#options, false);
    if (found !== undefined) this.#tell(stateValues(log, group, given));
    this.#tell(admitMember(log, group, this));
    this.#group = group;
    return group;
  }

  #tell(report: QueueError | undefined): void {
    if (report !== undefined) this.#report(report);
  }

  #claimed(group: GroupState, entry: LeasedEntry): ClaimedEvent {
    const lease = new MemoryLease({
      log: this.#log,
      group,
      entry,
      tellOfBuried: this.#tellOfBuried,
      seen: () => this.#seen(group),
      policyNow: () => statedPolicy(group.policy, this.#options.given),
    });
    const event = toStoredEvent(entry.record, entry.attempt, entry.redelivered);
    return { event, lease, until: entry.until };
  }

  #seen(group: GroupState): void {
    if (!group.members.has(this)) return;
    const { leaseMs } = statedPolicy(group.policy, this.#options.given);
    group.members.seen(this, this.#log().now(), leaseMs);
  }
}

interface MemoryLeaseParts {
  readonly log: SweptLog;
  readonly group: GroupState;
  readonly entry: LeasedEntry;
  readonly tellOfBuried: () => void;
  /** Notes that its member is there. */
  readonly seen: () => void;
  /** What holds for its member. */
  readonly policyNow: () => StoredGroupPolicy;
}

class MemoryLease implements BackendLease {
  readonly #parts: MemoryLeaseParts;

  constructor(parts: MemoryLeaseParts) {
    this.#parts = parts;
  }

  async ack(): Promise<boolean> {
    const { log, group, entry, seen } = this.#parts;
    seen();
    return this.#settled(group.ack(entry, log().now()));
  }

  async nack(options: NackOptions): Promise<boolean> {
    const { log, group, entry, seen, policyNow, tellOfBuried } = this.#parts;
    seen();
    const done = group.nack(entry, options, { now: log().now(), policy: policyNow() });
    tellOfBuried();
    return this.#settled(done);
  }

  async extend(ms: number): Promise<number | false> {
    const { log, group, entry, seen } = this.#parts;
    seen();
    return group.extend(entry, ms, log().now());
  }

  leftMs(): number {
    const { log, group, entry } = this.#parts;
    return group.leftMs(entry, log().now());
  }

  async release(): Promise<void> {
    const { log, group, entry } = this.#parts;
    log();
    this.#settled(group.release(entry));
  }

  /** Somebody may wait for the event itself, or for the next one of its key. */
  #settled(isDone: boolean): boolean {
    if (isDone) this.#parts.log().ring();
    return isDone;
  }
}
