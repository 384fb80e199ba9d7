import type { Contracts, EventView, StartFrom } from "@ringrift/envelope";
import { parseStartFrom } from "@ringrift/envelope";
import { QueueError } from "../failures/errors.ts";
import type { Backoff, GroupChange, GroupInfo, GroupPolicy } from "../contract/groups.ts";
import { checkEventTypes } from "./names.ts";
import { checkMs, checkNumber, checkOptionNames, invalidOption, show } from "./check-options.ts";

/** A group's policy in the form it is stored in: every value there, types sorted. */
export interface StoredGroupPolicy {
  /** `null` for every type. */
  readonly eventTypes: readonly string[] | null;
  readonly maxAttempts: number;
  readonly leaseMs: number;
  readonly expireAfterMs: number;
  /** `null` for never. */
  readonly skipAfterMs: number | null;
  readonly holdMs: number;
  /** `null` for no limit. */
  readonly handlerTimeoutMs: number | null;
  readonly backoff: Required<Backoff>;
  readonly paused: boolean;
}

/** What a member asked for: only what it gave, checked. */
export interface GivenGroupPolicy {
  readonly eventTypes?: readonly string[];
  readonly from?: StartFrom;
  readonly maxAttempts?: number;
  readonly leaseMs?: number;
  readonly expireAfterMs?: number;
  readonly skipAfterMs?: number;
  readonly holdMs?: number;
  readonly handlerTimeoutMs?: number;
  readonly backoff?: Partial<Backoff>;
  /** What is given must be what is stored. */
  readonly isRequired?: true;
}

/** What is changed by hand; `null` takes a limit away. */
export interface CheckedGroupChange extends Omit<
  GivenGroupPolicy,
  "eventTypes" | "from" | "isRequired" | "skipAfterMs" | "handlerTimeoutMs"
> {
  readonly skipAfterMs?: number | null;
  readonly handlerTimeoutMs?: number | null;
  readonly paused?: boolean;
}

/** What a group gets that was made without saying otherwise. */
export const DEFAULT_GROUP_POLICY: StoredGroupPolicy = Object.freeze({
  eventTypes: null,
  maxAttempts: 5,
  leaseMs: 30_000,
  expireAfterMs: 604_800_000,
  skipAfterMs: null,
  holdMs: 2_592_000_000,
  handlerTimeoutMs: null,
  backoff: Object.freeze({ initialMs: 100, maxMs: 60_000, factor: 2, jitter: 0.2 }),
  paused: false,
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
  "holdMs",
  "policy",
]);
const CHANGE_NAMES: ReadonlySet<string> = new Set<keyof GroupChange>([
  "maxAttempts",
  "backoff",
  "leaseMs",
  "expireAfterMs",
  "skipAfterMs",
  "holdMs",
  "handlerTimeoutMs",
  "paused",
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
  const { from, skipAfterMs, policy: how } = policy;
  if (from !== undefined) parseStartFrom(from);
  if (how !== undefined && how !== "follow" && how !== "require") {
    throw invalidOption(`Option "policy" is ${show(how)}. Give "follow" or "require".`);
  }
  return {
    ...(eventTypes !== undefined && { eventTypes }),
    ...(from !== undefined && { from }),
    ...(how === "require" && { isRequired: true as const }),
    ...checkValues(policy),
    ...(skipAfterMs !== undefined && { skipAfterMs: checkMs("skipAfterMs", skipAfterMs, 1) }),
  };
}

/** `null`: no limit. */
function checkLimit(name: string, ms: number | null): number | null {
  return ms === null ? null : checkMs(name, ms, 1);
}

/**
 * Checks what a group is changed by hand to.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkGroupChange(change: GroupChange): CheckedGroupChange {
  checkOptionNames("groups.configure", change ?? undefined, CHANGE_NAMES);
  const { skipAfterMs, handlerTimeoutMs, paused } = change ?? {};
  if (paused !== undefined && typeof paused !== "boolean") {
    throw invalidOption(`Option "paused" is ${show(paused)}. Give true or false.`);
  }
  const checked: CheckedGroupChange = {
    ...checkValues(change ?? {}),
    ...(skipAfterMs !== undefined && { skipAfterMs: checkLimit("skipAfterMs", skipAfterMs) }),
    ...(handlerTimeoutMs !== undefined && {
      handlerTimeoutMs: checkLimit("handlerTimeoutMs", handlerTimeoutMs),
    }),
    ...(paused !== undefined && { paused }),
  };
  if (Object.keys(checked).length > 0) return checked;
  throw invalidOption(
    `groups.configure was given nothing to change. Give one of: ${[...CHANGE_NAMES].join(", ")}.`,
  );
}

type Values = Pick<
  GivenGroupPolicy,
  "maxAttempts" | "leaseMs" | "expireAfterMs" | "holdMs" | "backoff"
>;

function checkValues({
  maxAttempts,
  leaseMs,
  expireAfterMs,
  holdMs,
  backoff,
}: Pick<GroupPolicy, keyof Values>): Values {
  return {
    ...(maxAttempts !== undefined && {
      maxAttempts: checkNumber("maxAttempts", maxAttempts, { min: 1, max: 1_000_000 }),
    }),
    ...(leaseMs !== undefined && { leaseMs: checkMs("leaseMs", leaseMs, SHORTEST_LEASE_MS) }),
    ...(expireAfterMs !== undefined && {
      expireAfterMs: checkMs("expireAfterMs", expireAfterMs, 1),
    }),
    ...(holdMs !== undefined && { holdMs: checkMs("holdMs", holdMs, 1) }),
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
  return { ...statedPolicy(DEFAULT_GROUP_POLICY, given), eventTypes: given.eventTypes ?? null };
}

/**
 * What holds for a member: what it states, and what is stored for the rest. That is also what is stored from then on;
 * all but the types, which are those of every member.
 */
export function statedPolicy(
  stored: StoredGroupPolicy,
  given: GivenGroupPolicy | CheckedGroupChange,
): StoredGroupPolicy {
  const { paused = stored.paused } = given as CheckedGroupChange;
  return {
    eventTypes: stored.eventTypes,
    maxAttempts: given.maxAttempts ?? stored.maxAttempts,
    leaseMs: given.leaseMs ?? stored.leaseMs,
    expireAfterMs: given.expireAfterMs ?? stored.expireAfterMs,
    skipAfterMs: given.skipAfterMs === undefined ? stored.skipAfterMs : given.skipAfterMs,
    holdMs: given.holdMs ?? stored.holdMs,
    handlerTimeoutMs:
      given.handlerTimeoutMs === undefined ? stored.handlerTimeoutMs : given.handlerTimeoutMs,
    backoff: { ...stored.backoff, ...given.backoff },
    paused,
  };
}

/** Values of a policy that differ, but for the types: name, the first one's, the other's. */
export function policyDifferences(
  one: StoredGroupPolicy,
  other: StoredGroupPolicy,
): readonly (readonly [name: string, one: unknown, other: unknown])[] {
  const fields = (policy: StoredGroupPolicy): [string, unknown][] => {
    const { eventTypes: _, backoff, ...values } = policy;
    const pauses = Object.entries(backoff).map(([name, value]): [string, unknown] => [
      `backoff.${name}`,
      value,
    ]);
    return [...Object.entries(values), ...pauses];
  };
  const others = new Map(fields(other));
  return fields(one).flatMap(([name, value]) =>
    value === others.get(name) ? [] : [[name, value, others.get(name)] as const],
  );
}

/**
 * Checks that what a member gave is what is stored, where it says `policy: "require"`. What it left out is what is
 * stored.
 *
 * @throws QueueError `GROUP_CONFIG_MISMATCH`, naming the field and both values
 */
export function checkSameGroupPolicy(
  group: string,
  stored: StoredGroupPolicy,
  given: GivenGroupPolicy,
): void {
  const { eventTypes } = given;
  const [difference] = [
    ...(eventTypes !== undefined && JSON.stringify(eventTypes) !== JSON.stringify(stored.eventTypes)
      ? [["eventTypes", stored.eventTypes, eventTypes] as const]
      : []),
    ...policyDifferences(stored, statedPolicy(stored, given)),
  ];
  if (difference === undefined) return;
  const [field, theirs, mine] = difference;
  throw new QueueError(
    "GROUP_CONFIG_MISMATCH",
    `Group "${group}" has ${field} ${JSON.stringify(theirs)}, and this member requires ${JSON.stringify(mine)}. Give the same value or leave it out; or leave out policy: "require", and each member has its own.`,
  );
}

/** For backends: the part of a {@link GroupInfo} that is the group's policy. */
export function shownPolicy(policy: StoredGroupPolicy): Pick<GroupInfo, keyof StoredGroupPolicy> {
  const { eventTypes, skipAfterMs, handlerTimeoutMs, ...rest } = policy;
  return {
    eventTypes: eventTypes ?? undefined,
    ...rest,
    skipAfterMs: skipAfterMs ?? undefined,
    handlerTimeoutMs: handlerTimeoutMs ?? undefined,
  };
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
