import type { Backlog } from "../sending/backlog-gate.ts";
import type { GroupInfo } from "../contract/groups.ts";
import type { HealthProblem } from "../failures/health-problem.ts";
import { MOST_SET_ASIDE } from "../groups/wanted-types.ts";

const DAY_MS = 86_400_000;

/** What the problems of groups are found with. */
export interface GroupProblemsInput {
  readonly groups: readonly GroupInfo[];
  /** By group: how long ago the oldest event was stored that it has still to settle, where that is known. */
  readonly ages: ReadonlyMap<string, number>;
  readonly maxLagMs: number | undefined;
  readonly now: number;
}

/** What is wrong with the groups of a queue, whatever its backend is. */
export function groupProblems(input: GroupProblemsInput): HealthProblem[] {
  return input.groups.flatMap((group) => [
    ...dead(group),
    ...lagging(group, input),
    ...unserved(group, input.now),
    ...waiting(group),
  ]);
}

/** Who holds senders back, if anybody. */
export function sendersHeldBack(
  furthest: Backlog | undefined,
  maxBacklog: number,
): HealthProblem[] {
  if (furthest === undefined || furthest.pending < maxBacklog) return [];
  const { group, pending } = furthest;
  return [
    {
      code: "SENDERS_HELD_BACK",
      severity: "warning",
      subject: group,
      message: `Group "${group}" holds senders back: it has ${pending} events or more still to settle, and maxBacklog is ${maxBacklog}.`,
      action: "Add members to it, or raise maxBacklog; a group that nobody needs can be removed.",
    },
  ];
}

function dead({ name, deadLetters }: GroupInfo): HealthProblem[] {
  if (deadLetters === 0) return [];
  return [
    {
      code: "DEAD_LETTERS",
      severity: "warning",
      subject: name,
      message: `Group "${name}" has given up on ${deadLetters} events.`,
      action: `Look at deadLetters.list({ group: "${name}" }), fix what failed, then redrive or discard them.`,
    },
  ];
}

function lagging(
  { name, pending }: GroupInfo,
  { ages, maxLagMs, now }: GroupProblemsInput,
): HealthProblem[] {
  const ageMs = ages.get(name) ?? 0;
  if (maxLagMs === undefined || ageMs <= maxLagMs) return [];
  return [
    {
      code: "GROUP_LAGS",
      severity: "warning",
      since: now - (ageMs - maxLagMs),
      subject: name,
      message: `The oldest of ${pending} events that group "${name}" has still to settle is ${Math.round(ageMs / 1000)} s old.`,
      action: "Add members, make its handlers faster, or raise maxLagMs.",
    },
  ];
}

function unserved(group: GroupInfo, now: number): HealthProblem[] {
  const { name, pending, deadLetters, lastServedAt } = group;
  const unservedDays = Math.floor((now - lastServedAt) / DAY_MS);
  if (unservedDays < 1 || (pending === 0 && deadLetters === 0)) return [];
  return [
    {
      code: "GROUP_UNSERVED",
      severity: "warning",
      since: lastServedAt,
      subject: name,
      message: `Group "${name}" hasn't been served for ${unservedDays} ${unservedDays === 1 ? "day" : "days"}, and holds ${pending} pending events and ${deadLetters} dead letters. ${becomes(group)}`,
      action: "Serve it; if nobody needs it any more, remove it (groups.remove).",
    },
  ];
}

function becomes({ kind, expireAfterMs, holdMs }: GroupInfo): string {
  if (kind === "reader") return `It is a node's, and expires after ${days(expireAfterMs)}.`;
  return `After ${days(holdMs)} it no longer holds back retention, and misses what that takes.`;
}

function days(ms: number): string {
  return `${(ms / DAY_MS).toFixed(1)} days`;
}

function waiting({ name, setAside }: GroupInfo): HealthProblem[] {
  const types = Object.entries(setAside);
  const count = types.reduce((sum, [, some]) => sum + some, 0);
  if (count < MOST_SET_ASIDE) return [];
  const shares = types.map(([type, some]) => `${some} of ${type}`).join(", ");
  return [
    {
      code: "GROUP_WAITS",
      severity: "error",
      subject: name,
      message: `Group "${name}" waits: it has set aside ${count} events that no member there has a handler for (${shares}).`,
      action: "Start a member that handles them.",
    },
  ];
}
