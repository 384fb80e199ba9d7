import type { StartFrom } from "@ringrift/envelope";
import type { BackendGroups, NameHolder } from "../backend/queue-backend.ts";
import type { Backlog } from "../sending/backlog-gate.ts";
import { groupNotFound } from "../checking/group-errors.ts";
import { type CheckedGroupChange, shownPolicy, statedPolicy } from "../checking/group-policy.ts";
import type { GroupInfo } from "../contract/groups.ts";
import type { GroupState } from "../memory-state/group-state.ts";
import type { MemoryLog, SweptLog } from "../memory-state/memory-log.ts";

/** The groups of a log in memory. */
export class MemoryGroups implements BackendGroups {
  readonly #log: SweptLog;

  constructor(log: SweptLog) {
    this.#log = log;
  }

  async list(): Promise<GroupInfo[]> {
    const log = this.#log();
    return [...log.groups.values()]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((group) => groupInfo(log, group));
  }

  async seek(name: string, from: StartFrom): Promise<GroupInfo> {
    const log = this.#log();
    const group = log.groups.get(name);
    if (group === undefined) throw groupNotFound(name);
    group.seek(log.resolve(from));
    log.ring();
    return groupInfo(log, group);
  }

  async remove(name: string): Promise<boolean> {
    return this.#log().removeGroup(name);
  }

  async configure(name: string, change: CheckedGroupChange): Promise<GroupInfo> {
    const log = this.#log();
    const group = log.groups.get(name);
    if (group === undefined) throw groupNotFound(name);
    group.policy = statedPolicy(group.policy, change);
    log.ring();
    return groupInfo(log, group);
  }

  async takeName(
    name: string,
    { holder, ttlMs }: { readonly holder: string; readonly ttlMs: number },
  ): Promise<NameHolder> {
    const { claims, groups, notes, now } = this.#log();
    const current = claims.get(name);
    const isOthers = current !== undefined && current.holder !== holder && current.until > now();
    if (!isOthers) {
      claims.set(name, { holder, until: now() + ttlMs });
      const group = groups.get(name);
      if (group?.wanted.eventTypes === null) group.isReader = true;
    }
    return { holder: isOthers ? current.holder : holder, note: notes.get(name) };
  }

  async releaseName(name: string, holder: string, note: string | undefined): Promise<void> {
    const { claims, notes } = this.#log();
    if (claims.get(name)?.holder !== holder) return;
    claims.delete(name);
    if (note !== undefined) notes.set(name, note);
  }

  async furthestBehind(): Promise<Backlog | undefined> {
    return this.#log().furthestBehind();
  }
}

/** A group as callers see it. */
export function groupInfo(log: MemoryLog, group: GroupState): GroupInfo {
  const now = log.now();
  const { name, policy, cursor, lastServedAt, isReader } = group;
  return {
    name,
    kind: isReader ? "reader" : "work",
    cursor,
    ...group.counts(now),
    deadLetters: log.lettersOf(name),
    lastServedAt,
    ...shownPolicy(policy),
    skipped: group.skipped,
    claimedBy: log.holderOf(name),
  };
}
