import type { StartFrom } from "@ringrift/envelope";
import { QueueError } from "../errors.ts";
import type { ClaimOptions, GroupClaim, GroupInfo, Groups } from "../groups.ts";
import { checkGroupName } from "../names.ts";
import { checkClaim } from "../requests.ts";
import type { GroupState } from "./group-state.ts";
import type { MemoryInstance } from "./memory-instance.ts";
import type { MemoryLog } from "./memory-log.ts";

/** Administration of the groups of a log. */
export class MemoryGroups implements Groups {
  readonly #instance: MemoryInstance;

  constructor(instance: MemoryInstance) {
    this.#instance = instance;
  }

  async list(): Promise<GroupInfo[]> {
    const log = this.#instance.use();
    return [...log.groups.values()]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((group) => groupInfo(log, group));
  }

  async seek(name: string, from: StartFrom): Promise<GroupInfo> {
    const log = this.#instance.use();
    const group = log.groups.get(checkGroupName(name));
    if (group === undefined) throw notFound(name);
    group.seek(log.resolve(from));
    log.ring();
    return groupInfo(log, group);
  }

  async remove(name: string): Promise<boolean> {
    return this.#instance.use().removeGroup(checkGroupName(name));
  }

  async claim(name: string, options: ClaimOptions): Promise<GroupClaim> {
    const { holder, ttlMs } = checkClaim(options);
    const group = checkGroupName(name);
    const instance = this.#instance;
    const take = (): { readonly heldBy: string } => {
      const { claims, now } = instance.use();
      const current = claims.get(group);
      if (current !== undefined && current.holder !== holder && current.until > now()) {
        return { heldBy: current.holder };
      }
      claims.set(group, { holder, until: now() + ttlMs });
      return { heldBy: holder };
    };
    const { heldBy } = take();
    if (heldBy !== holder) throw claimed(group, heldBy);
    return {
      group,
      holder,
      renew: async () => take().heldBy === holder,
      release: async () => {
        const { claims } = instance.use();
        if (claims.get(group)?.holder === holder) claims.delete(group);
      },
    };
  }
}

/** A group as callers see it. */
export function groupInfo(log: MemoryLog, group: GroupState): GroupInfo {
  const now = log.now();
  const { name, policy, cursor, lastServedAt } = group;
  const claim = log.claims.get(name);
  return {
    name,
    eventTypes: policy.eventTypes ?? undefined,
    cursor,
    ...group.counts(now),
    deadLetters: log.deadLetters.filter((letter) => letter.group === name).length,
    lastServedAt,
    maxAttempts: policy.maxAttempts,
    leaseMs: policy.leaseMs,
    expireAfterMs: policy.expireAfterMs,
    skipAfterMs: policy.skipAfterMs ?? undefined,
    skipped: group.skipped,
    backoff: policy.backoff,
    claimedBy: claim !== undefined && claim.until > now ? claim.holder : undefined,
  };
}

function notFound(name: string): QueueError {
  return new QueueError(
    "GROUP_NOT_FOUND",
    `There is no group "${name}". groups.list() shows those there are; group("${name}").ensure() makes it.`,
  );
}

function claimed(name: string, holder: string): QueueError {
  return new QueueError(
    "GROUP_CLAIMED",
    `Group "${name}" is claimed by "${holder}". Stop that one first, or use another name; the claim ends by itself when its holder stops renewing it.`,
  );
}
