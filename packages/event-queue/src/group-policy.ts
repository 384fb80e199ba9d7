import type { Contracts, EventView, StartFrom } from "@ringrift/envelope";
import { parseStartFrom } from "@ringrift/envelope";
import { QueueError } from "./errors.ts";
import type { Backoff, GroupInfo, GroupPolicy } from "./groups.ts";
import { checkEventTypes } from "./names.ts";
import { checkMs, checkNumber, checkOptionNames, invalidOption, show } from "./options.ts";

/** A group's policy in the form it is stored in: every value there, types sorted. */
export interface StoredGroupPolicy {
  /** `null` for every type. */
  readonly eventTypes: readonly string[] | null;
  readonly maxAttempts: number;
  readonly leaseMs: number;
  readonly expireAfterMs: number;
  /** `null` for never. */
  readonly skipAfterMs: number | null;
  readonly backoff: Required<Backoff>;
}

/** What a member asked for: only what it gave, checked. */
export interface GivenGroupPolicy {
  readonly eventTypes?: readonly string[];
  readonly from?: StartFrom;
  readonly maxAttempts?: number;
  readonly leaseMs?: number;
  readonly expireAfterMs?: number;
  readonly skipAfterMs?: number;
  readonly backoff?: Partial<Backoff>;
}

/** What a group gets that was made without saying otherwise. */
export const DEFAULT_GROUP_POLICY: StoredGroupPolicy = Object.freeze({
  eventTypes: null,
  maxAttempts: 5,
  leaseMs: 30_000,
  expireAfterMs: 604_800_000,
  skipAfterMs: null,
  backoff: Object.freeze({ initialMs: 100, maxMs: 60_000, factor: 2, jitter: 0.2 }),
});

/** Names of the options of a group. */
export const POLICY_NAMES: ReadonlySet<string> = new Set<keyof GroupPolicy>([
  "eventTypes",
  "from",
  "maxAttempts",
  "backoff",
  "leaseMs",
  "expireAfterMs",
  "skipAfterMs",
]);
const BACKOFF_NAMES: ReadonlySet<string> = new Set<keyof Backoff>([
  "initialMs",
  "maxMs",
  "factor",
  "jitter",
]);

/** Shortest lease: below it, renewing would be all that a member does. */
const SHORTEST_LEASE_MS = 10;

/**
 * Checks a policy as a member gives it, and keeps only what it gave.
 *
 * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
 * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
 */
export function checkGroupPolicy(
  policy: GroupPolicy = {},
  view?: EventView<Contracts>,
): GivenGroupPolicy {
  checkOptionNames("a group", policy, POLICY_NAMES);
  const eventTypes = checkEventTypes(policy.eventTypes, view);
  const { from, maxAttempts, leaseMs, expireAfterMs, skipAfterMs, backoff } = policy;
  if (from !== undefined) parseStartFrom(from);
  return {
    ...(eventTypes !== undefined && { eventTypes }),
    ...(from !== undefined && { from }),
    ...(maxAttempts !== undefined && {
      maxAttempts: checkNumber("maxAttempts", maxAttempts, { min: 1, max: 1_000_000 }),
    }),
    ...(leaseMs !== undefined && { leaseMs: checkMs("leaseMs", leaseMs, SHORTEST_LEASE_MS) }),
    ...(expireAfterMs !== undefined && {
      expireAfterMs: checkMs("expireAfterMs", expireAfterMs, 1),
    }),
    ...(skipAfterMs !== undefined && { skipAfterMs: checkMs("skipAfterMs", skipAfterMs, 1) }),
    ...(backoff !== undefined && { backoff: checkBackoff(backoff) }),
  };
}

function checkBackoff(backoff: Backoff): Partial<Backoff> {
  if (typeof backoff !== "object" || backoff === null) {
    throw invalidOption(`Option "backoff" is ${show(backoff)}. Give { initialMs, maxMs }.`);
  }
  checkOptionNames("backoff", backoff, BACKOFF_NAMES);
  const { initialMs, maxMs, factor, jitter } = backoff;
  const given: Partial<Backoff> = {
    ...(initialMs !== undefined && { initialMs: checkMs("backoff.initialMs", initialMs) }),
    ...(maxMs !== undefined && { maxMs: checkMs("backoff.maxMs", maxMs) }),
    ...(factor !== undefined && {
      factor: checkNumber("backoff.factor", factor, { min: 1, max: 100, integer: false }),
    }),
    ...(jitter !== undefined && {
      jitter: checkNumber("backoff.jitter", jitter, { min: 0, max: 1, integer: false }),
    }),
  };
  const whole = { ...DEFAULT_GROUP_POLICY.backoff, ...given };
  if (whole.maxMs < whole.initialMs) {
    throw invalidOption(
      `Option "backoff" has maxMs ${whole.maxMs} below initialMs ${whole.initialMs}. Give a larger "maxMs".`,
    );
  }
  return given;
}

/** The policy that a new group is stored with: what was given, defaults for the rest. */
export function completeGroupPolicy(given: GivenGroupPolicy): StoredGroupPolicy {
  return {
    eventTypes: given.eventTypes ?? null,
    maxAttempts: given.maxAttempts ?? DEFAULT_GROUP_POLICY.maxAttempts,
    leaseMs: given.leaseMs ?? DEFAULT_GROUP_POLICY.leaseMs,
    expireAfterMs: given.expireAfterMs ?? DEFAULT_GROUP_POLICY.expireAfterMs,
    skipAfterMs: given.skipAfterMs ?? DEFAULT_GROUP_POLICY.skipAfterMs,
    backoff: { ...DEFAULT_GROUP_POLICY.backoff, ...given.backoff },
  };
}

/**
 * Checks that what a member gave is what the group was made with. What it left out is what is stored.
 *
 * @throws QueueError `GROUP_CONFIG_MISMATCH`, naming the field and both values
 */
export function checkSameGroupPolicy(
  group: string,
  stored: StoredGroupPolicy,
  given: GivenGroupPolicy,
): void {
  const { backoff } = given;
  const fields: readonly (readonly [string, unknown, unknown])[] = [
    ["eventTypes", given.eventTypes, stored.eventTypes],
    ["maxAttempts", given.maxAttempts, stored.maxAttempts],
    ["leaseMs", given.leaseMs, stored.leaseMs],
    ["expireAfterMs", given.expireAfterMs, stored.expireAfterMs],
    ["skipAfterMs", given.skipAfterMs, stored.skipAfterMs],
    ["backoff.initialMs", backoff?.initialMs, stored.backoff.initialMs],
    ["backoff.maxMs", backoff?.maxMs, stored.backoff.maxMs],
    ["backoff.factor", backoff?.factor, stored.backoff.factor],
    ["backoff.jitter", backoff?.jitter, stored.backoff.jitter],
  ];
  for (const [field, mine, theirs] of fields) {
    if (mine === undefined || JSON.stringify(mine) === JSON.stringify(theirs)) continue;
    throw new QueueError(
      "GROUP_CONFIG_MISMATCH",
      `Group "${group}" was made with ${field} ${JSON.stringify(theirs)}, and this member gives ${JSON.stringify(mine)}. Give the same value, leave it out, or remove the group first (groups.remove).`,
    );
  }
}

/** For backends: the part of a {@link GroupInfo} that is the group's policy. */
export function shownPolicy(policy: StoredGroupPolicy): Pick<GroupInfo, keyof StoredGroupPolicy> {
  const { eventTypes, skipAfterMs, ...rest } = policy;
  return { eventTypes: eventTypes ?? undefined, ...rest, skipAfterMs: skipAfterMs ?? undefined };
}

/** Writes a policy for storage. */
export function encodeGroupPolicy(policy: StoredGroupPolicy): string {
  return JSON.stringify(policy);
}

/** Reads a stored policy; fields that an older version didn't store get their defaults. */
export function decodeGroupPolicy(text: string): StoredGroupPolicy {
  // The cast is safe: written by encodeGroupPolicy.
  const stored = JSON.parse(text) as Partial<StoredGroupPolicy>;
  return {
    ...DEFAULT_GROUP_POLICY,
    ...stored,
    backoff: { ...DEFAULT_GROUP_POLICY.backoff, ...stored.backoff },
  };
}

/**
 * Pause before the next attempt, after `attempt` deliveries: `initialMs · factor^(attempt − 1)`, at most
 * `maxMs`, of which the share `jitter` is random. In whole milliseconds.
 *
 * @param random - gives numbers from 0 to below 1; `Math.random` unless a test says otherwise
 * @example backoffDelayMs({ initialMs: 100, maxMs: 60_000, factor: 2, jitter: 0 }, 3) // 400
 */
export function backoffDelayMs(
  backoff: Required<Backoff>,
  attempt: number,
  random: () => number = Math.random,
): number {
  // Finite, or an initial pause of 0 would become NaN.
  const growth = Math.min(backoff.factor ** Math.max(attempt - 1, 0), Number.MAX_VALUE);
  const pause = Math.min(backoff.maxMs, backoff.initialMs * growth);
  return Math.round(pause * (1 - backoff.jitter + backoff.jitter * random()));
}
