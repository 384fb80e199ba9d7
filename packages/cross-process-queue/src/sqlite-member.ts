import type { EnsuredGroup } from "@ringrift/event-queue";
import {
  type BackendHost,
  checkSameGroupPolicy,
  type ClaimedEvent,
  type GivenGroupPolicy,
  type GroupMember,
  type MemberRequest,
  type StoredGroupPolicy,
  type Taken,
} from "@ringrift/event-queue/backend";
import type { Leased } from "./claiming.ts";
import type { Engine } from "./engine.ts";
import type { Group } from "./groups.ts";
import { LookAhead } from "./look-ahead.ts";
import { LOSABLE, MemberLease } from "./member-lease.ts";

/** What a member works with. */
export interface SqliteMemberParts {
  readonly engine: Engine;
  readonly host: BackendHost;
  readonly name: string;
  readonly given: GivenGroupPolicy;
}

/** One member of a group of a queue in a file. */
export class SqliteMember implements GroupMember {
  readonly #parts: SqliteMemberParts;
  readonly #engine: Engine;
  readonly #lookAhead = new LookAhead();
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

  ensure(): Promise<EnsuredGroup> {
    const { name, given } = this.#parts;
    const { committer, groups } = this.#engine;
    return committer.submit((tx) => {
      const { group, created } = groups.ensure(tx, name, given);
      return { ...groups.info(group, tx.now), created };
    });
  }

  /** Reads first, without any lock, what there is to claim; where there is nothing, it takes no lock at all. */
  async claim({ limit, ahead, leaseMs, waitMs }: MemberRequest): Promise<Taken<ClaimedEvent>> {
    const { name, given, host } = this.#parts;
    const { committer, doorbell, groups, claimer } = this.#engine;
    if (waitMs > 0) doorbell.listen();
    const now = Date.now();
    const wasBusy = this.#busy;
    if (!wasBusy || this.#lookAhead.size < limit + ahead) {
      const look = await this.#look(now, limit + ahead);
      if (!wasBusy && typeof look !== "string") return { items: [], retryInMs: look - now };
    }
    const claim = await committer.submit(
      (tx) => {
        const { group, state } = groups.ensure(tx, name, given);
        const result = claimer.claim(tx, group, {
          limit,
          ahead,
          leaseMs: leaseMs ?? group.policy.leaseMs,
          state,
          known: this.#lookAhead,
        });
        const due = result.leased.length > 0 ? tx.now : this.#nextDue(group);
        return { ...result, policy: group.policy, due };
      },
      { ...LOSABLE, urgent: !wasBusy },
    );
    this.#policy = claim.policy;
    this.#lookAhead.drop(claim.cursor);
    host.onDropped("retention", claim.lost);
    const items = claim.leased.map((leased) => this.#claimed(leased));
    this.#busy = items.length > 0;
    return { items, retryInMs: claim.more ? 0 : claim.due - now };
  }

  /** When there will be something to do, if that is known and lies ahead. */
  #look(now: number, limit: number): Promise<"missing" | "claimable" | number> {
    const { name, given } = this.#parts;
    const { connection, groups, log } = this.#engine;
    return connection.read(() => {
      const group = groups.find(name);
      if (group === undefined) return "missing";
      checkSameGroupPolicy(name, group.policy, given);
      this.#policy = group.policy;
      this.#lookAhead.fill(log, group, limit);
      if (this.#lookAhead.size > 0) return "claimable";
      const due = this.#nextDue(group);
      return due <= now ? "claimable" : due;
    });
  }

  /** When there is something to do of which no commit tells: a retry, a lease that ends, to say that it is served. */
  #nextDue(group: Group): number {
    const { claimer, groups } = this.#engine;
    return Math.min(claimer.nextDue(group) ?? Number.POSITIVE_INFINITY, groups.touchDue(group));
  }

  #claimed({ event, lease, until }: Leased): ClaimedEvent {
    return { event, lease: new MemberLease(this.#engine, lease), until };
  }
}
