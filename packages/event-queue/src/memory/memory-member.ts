import type {
  BackendLease,
  ClaimedEvent,
  GroupMember,
  MemberRequest,
} from "../backend/queue-backend.ts";
import type { NackOptions } from "../events.ts";
import {
  checkSameGroupPolicy,
  completeGroupPolicy,
  type GivenGroupPolicy,
  type StoredGroupPolicy,
} from "../group-policy.ts";
import type { EnsuredGroup } from "../groups.ts";
import type { Taken } from "../long-poll.ts";
import type { LeasedEntry } from "./group-entry.ts";
import type { GroupState } from "./group-state.ts";
import { toStoredEvent } from "../stored-event.ts";
import { groupInfo } from "./memory-groups.ts";
import type { SweptLog } from "./memory-log.ts";

/** One member of a group of a log in memory. */
export class MemoryMember implements GroupMember {
  readonly #log: SweptLog;
  readonly #name: string;
  readonly #given: GivenGroupPolicy;
  readonly #tellOfBuried: () => void;
  #policy: StoredGroupPolicy | undefined;

  constructor(parts: {
    readonly log: SweptLog;
    readonly name: string;
    readonly given: GivenGroupPolicy;
    /** Tells of what was buried by this instance. */
    readonly tellOfBuried: () => void;
  }) {
    this.#tellOfBuried = parts.tellOfBuried;
    this.#log = parts.log;
    this.#name = parts.name;
    this.#given = parts.given;
  }

  get policy(): StoredGroupPolicy | undefined {
    return this.#policy;
  }

  async ensure(): Promise<EnsuredGroup> {
    const log = this.#log();
    const created = !log.groups.has(this.#name);
    const group = this.#open();
    group.lastServedAt = log.now();
    return { ...groupInfo(log, group), created };
  }

  async claim({ limit, leaseMs }: MemberRequest): Promise<Taken<ClaimedEvent>> {
    const log = this.#log();
    const group = this.#open();
    const now = log.now();
    const items = group
      .claim(limit, leaseMs ?? group.policy.leaseMs, now)
      .map((entry) => this.#claimed(group, entry));
    this.#tellOfBuried();
    return { items, retryInMs: group.nextDueIn(now) };
  }

  /** The group as stored, made now if need be. */
  #open(): GroupState {
    const log = this.#log();
    let group = log.groups.get(this.#name);
    if (group === undefined) {
      const { from = "beginning" } = this.#given;
      group = log.createGroup(this.#name, completeGroupPolicy(this.#given), from);
    }
    checkSameGroupPolicy(this.#name, group.policy, this.#given);
    this.#policy = group.policy;
    return group;
  }

  #claimed(group: GroupState, entry: LeasedEntry): ClaimedEvent {
    return {
      event: toStoredEvent(entry.record, entry.attempt, entry.redelivered),
      lease: new MemoryLease({
        log: this.#log,
        group,
        entry,
        tellOfBuried: this.#tellOfBuried,
      }),
      until: entry.until,
    };
  }
}

class MemoryLease implements BackendLease {
  readonly #log: SweptLog;
  readonly #group: GroupState;
  readonly #entry: LeasedEntry;
  readonly #tellOfBuried: () => void;

  constructor(parts: {
    readonly log: SweptLog;
    readonly group: GroupState;
    readonly entry: LeasedEntry;
    readonly tellOfBuried: () => void;
  }) {
    this.#tellOfBuried = parts.tellOfBuried;
    this.#log = parts.log;
    this.#group = parts.group;
    this.#entry = parts.entry;
  }

  async ack(): Promise<boolean> {
    const log = this.#log();
    return this.#settled(this.#group.ack(this.#entry, log.now()));
  }

  async nack(options: NackOptions): Promise<boolean> {
    const log = this.#log();
    const isSettled = this.#settled(this.#group.nack(this.#entry, options, log.now()));
    this.#tellOfBuried();
    return isSettled;
  }

  async extend(ms: number): Promise<number | false> {
    return this.#group.extend(this.#entry, ms, this.#log().now());
  }

  async release(): Promise<void> {
    this.#log();
    this.#settled(this.#group.release(this.#entry));
  }

  /** Somebody may wait for the event itself, or for the next one of its key. */
  #settled(isDone: boolean): boolean {
    if (isDone) this.#log().ring();
    return isDone;
  }
}
