import type { Backlog } from "../backlog-gate.ts";
import type { GroupInfo } from "../groups.ts";
import { MOST_SET_ASIDE } from "../wanted-types.ts";

const DAY_MS = 86_400_000;

/** What is wrong with the groups of a queue, whatever its backend is; one sentence each. */
export function groupProblems(groups: readonly GroupInfo[], now: number = Date.now()): string[] {
  return groups.flatMap((group) => [...unserved(group, now), ...waiting(group)]);
}

/** Who holds senders back, if anybody. */
export function sendersHeldBack(furthest: Backlog | undefined, maxBacklog: number): string[] {
  if (furthest === undefined || furthest.pending < maxBacklog) return [];
  const { group, pending } = furthest;
  return [
    `Senders are held back: group "${group}" has ${pending} events or more still to settle, and maxBacklog is ${maxBacklog}. Add consumers to it, or raise the bound.`,
  ];
}

function unserved(group: GroupInfo, now: number): string[] {
  const { name, pending, deadLetters, lastServedAt } = group;
  const days = Math.floor((now - lastServedAt) / DAY_MS);
  if (days < 1 || (pending === 0 && deadLetters === 0)) return [];
  return [
    `Group "${name}" hasn't been served for ${days} ${days === 1 ? "day" : "days"}, and holds ${pending} pending events and ${deadLetters} dead letters. ${becomes(group)} Serve it; if nobody needs it any more, remove it (groups.remove).`,
  ];
}

function becomes({ kind, expireAfterMs, holdMs }: GroupInfo): string {
  if (kind === "reader") return `It is a node's, and expires after ${inDays(expireAfterMs)}.`;
  return `After ${inDays(holdMs)} it no longer holds back retention, and misses what that takes.`;
}

function waiting({ name, setAside }: GroupInfo): string[] {
  const types = Object.entries(setAside);
  const count = types.reduce((sum, [, some]) => sum + some, 0);
  if (count < MOST_SET_ASIDE) return [];
  const shares = types.map(([type, some]) => `${some} of ${type}`).join(", ");
  return [
    `Group "${name}" waits: it has set aside ${count} events that no member there has a handler for (${shares}). Start a member that handles them.`,
  ];
}

function inDays(ms: number): string {
  return `${(ms / DAY_MS).toFixed(1)} days`;
}
