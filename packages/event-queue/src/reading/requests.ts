import { type Contracts, type EventView, parseStartFrom, toMillis } from "@ringrift/envelope";
import type { ConsumeOptions, ConsumerOptions } from "../contract/consumer.ts";
import type {
  GroupReceiveOptions,
  HistoryOptions,
  ReceiveOptions,
  StreamOptions,
} from "../contract/event-queue.ts";
import type { DeadLetterFilter } from "../contract/dead-letters.ts";
import type { StreamRequest } from "./event-stream.ts";
import { POLICY_NAMES } from "../checking/group-policy.ts";
import type {
  ClaimOptions,
  EnsureOptions,
  GroupPolicy,
  ReleaseOptions,
} from "../contract/groups.ts";
import { checkEventType, checkEventTypes, checkGroupName } from "../checking/names.ts";
import {
  checkMs,
  checkNumber,
  checkOptionNames,
  checkText,
  invalidOption,
} from "../checking/check-options.ts";
import { encodePayload } from "../sending/payload.ts";
import type { ReaderRequest } from "./instance-reader.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;
const DEFAULT_HISTORY = 1_000;
const MAX_HISTORY = 100_000;
const DEFAULT_CLAIM_TTL_MS = 10_000;
const MAX_NOTE_BYTES = 65_536;

const RECEIVE: ReadonlySet<string> = new Set<keyof ReceiveOptions>([
  "eventTypes",
  "limit",
  "waitMs",
  "from",
  "signal",
]);
const GROUP_RECEIVE: ReadonlySet<string> = new Set<keyof GroupReceiveOptions>([
  "limit",
  "waitMs",
  "leaseMs",
  "signal",
]);
const RECEIVE_IN_GROUP: ReadonlySet<string> = new Set([...RECEIVE, ...GROUP_RECEIVE, "group"]);
const STREAM: ReadonlySet<string> = new Set<keyof StreamOptions>(["eventTypes", "from", "signal"]);
const HISTORY: ReadonlySet<string> = new Set<keyof HistoryOptions>([
  "eventTypes",
  "since",
  "until",
  "after",
  "limit",
]);
const ENSURE: ReadonlySet<string> = new Set<keyof EnsureOptions>(["requireFrom"]);
const CLAIM: ReadonlySet<string> = new Set<keyof ClaimOptions>(["holder", "ttlMs"]);
const RELEASE: ReadonlySet<string> = new Set<keyof ReleaseOptions>(["note"]);
const DEAD_LETTERS: ReadonlySet<string> = new Set<keyof DeadLetterFilter>([
  "id",
  "group",
  "type",
  "since",
  "until",
  "limit",
  "dryRun",
]);
const MEMBER: ReadonlySet<string> = new Set<keyof ConsumerOptions>([
  "concurrency",
  "prefetch",
  "handlerTimeoutMs",
  "dedupeChildren",
  "signal",
  "onError",
]);
const CONSUME: ReadonlySet<string> = new Set(["group", ...POLICY_NAMES, ...MEMBER]);

/** A group's `receive`, checked. */
export interface GroupReceiveRequest {
  readonly limit: number;
  readonly waitMs: number;
  /** `undefined`: the group's. */
  readonly leaseMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A `history`, checked; times in ms since the epoch. */
export interface HistoryRequest {
  readonly eventTypes: readonly string[] | undefined;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly after: number;
  readonly limit: number;
}

/** A filter of dead letters, checked; times in ms since the epoch. */
export interface DeadLetterRequest {
  readonly id: string | undefined;
  readonly group: string | undefined;
  readonly type: string | undefined;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly limit: number | undefined;
  readonly dryRun: boolean;
}

/**
 * For backends: checks the options of `receive` without a group.
 *
 * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
 * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
 */
export function checkReceive(
  options: ReceiveOptions & { readonly group?: undefined } = {},
  view?: EventView<Contracts>,
): ReaderRequest {
  const { group: _, ...rest } = options;
  checkOptionNames("receive", rest, RECEIVE);
  const { limit, waitMs, from = "beginning", signal } = rest;
  parseStartFrom(from);
  return {
    eventTypes: checkEventTypes(rest.eventTypes, view),
    limit: checkLimit(limit, DEFAULT_LIMIT, MAX_LIMIT),
    waitMs: waitMs === undefined ? 0 : checkMs("waitMs", waitMs),
    from,
    signal,
  };
}

/**
 * For backends: checks the options of a group's `receive`.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkGroupReceive(options: GroupReceiveOptions = {}): GroupReceiveRequest {
  checkOptionNames("receive", options, GROUP_RECEIVE);
  const { limit, waitMs, leaseMs, signal } = options;
  return {
    limit: checkLimit(limit, DEFAULT_LIMIT, MAX_LIMIT),
    waitMs: waitMs === undefined ? 0 : checkMs("waitMs", waitMs),
    leaseMs: leaseMs === undefined ? undefined : checkMs("leaseMs", leaseMs, 1),
    signal,
  };
}

/**
 * For backends: takes `receive({ group, … })` apart into what `group` and its `receive` are given.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function splitReceive<K extends string>(
  options: ReceiveOptions<K> & GroupReceiveOptions & { readonly group: string },
): {
  readonly group: string;
  readonly policy: {
    readonly eventTypes: readonly K[] | undefined;
    readonly from: ReceiveOptions["from"];
  };
  readonly receive: GroupReceiveOptions;
} {
  checkOptionNames("receive", options, RECEIVE_IN_GROUP);
  const { group, eventTypes, from, ...receive } = options;
  return { group, policy: { eventTypes, from }, receive };
}

/**
 * For backends: takes `consume({ group, … })` apart into what `group` and its `consume` are given.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function splitConsume<O extends ConsumeOptions>(
  options: O,
): {
  readonly group: string;
  readonly policy: Pick<O, keyof GroupPolicy>;
  readonly member: ConsumerOptions;
} {
  checkOptionNames("consume", options, CONSUME);
  const { eventTypes, from, maxAttempts, backoff, leaseMs, policy: how, ...others } = options;
  const { group, expireAfterMs, skipAfterMs, holdMs, ...member } = others;
  checkGroupName(group);
  const stated = { maxAttempts, backoff, leaseMs, expireAfterMs, skipAfterMs, holdMs };
  return { group, policy: { eventTypes, from, ...stated, policy: how }, member };
}

/**
 * Checks that a call was made as `(options, handler)`: the handler is last everywhere, and nothing comes after it.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkHandlerIsLast(
  where: string,
  options: unknown,
  surplus: readonly unknown[],
): void {
  if (typeof options === "function") {
    throw invalidOption(
      `The first argument of ${where} is a function. The handler comes last: ${where}(options, handler).`,
    );
  }
  if (surplus.length > 0) {
    throw invalidOption(
      `${where} was given ${surplus.length + 2} arguments, and nothing reads the last. Call ${where}(options, handler).`,
    );
  }
}

/**
 * For backends: checks the options of `stream`.
 *
 * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
 * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
 */
export function checkStream(
  options: StreamOptions = {},
  view?: EventView<Contracts>,
): StreamRequest {
  checkOptionNames("stream", options, STREAM);
  const { from = "now", signal } = options;
  parseStartFrom(from);
  return { eventTypes: checkEventTypes(options.eventTypes, view), from, signal };
}

/**
 * For backends: checks the options of `history`.
 *
 * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
 * @throws EnvelopeError `INVALID_TIME`
 */
export function checkHistory(
  options: HistoryOptions = {},
  view?: EventView<Contracts>,
): HistoryRequest {
  checkOptionNames("history", options, HISTORY);
  const { since, until, after, limit } = options;
  return {
    eventTypes: checkEventTypes(options.eventTypes, view),
    since: since === undefined ? undefined : toMillis(since, "since"),
    until: until === undefined ? undefined : toMillis(until, "until"),
    after:
      after === undefined
        ? 0
        : checkNumber("after", after, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    limit: checkLimit(limit, DEFAULT_HISTORY, MAX_HISTORY),
  };
}

/**
 * For backends: checks a filter of dead letters.
 *
 * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
 * @throws EnvelopeError `INVALID_TIME`
 */
export function checkDeadLetterFilter(filter: DeadLetterFilter = {}): DeadLetterRequest {
  checkOptionNames("deadLetters", filter, DEAD_LETTERS);
  const { id, group, type, since, until, limit, dryRun } = filter;
  return {
    id: id === undefined ? undefined : checkText("id", id),
    group: group === undefined ? undefined : checkGroupName(group),
    type: type === undefined ? undefined : checkEventType(type),
    since: since === undefined ? undefined : toMillis(since, "since"),
    until: until === undefined ? undefined : toMillis(until, "until"),
    limit: limit === undefined ? undefined : checkLimit(limit, DEFAULT_LIMIT, MAX_HISTORY),
    dryRun: dryRun ?? false,
  };
}

/**
 * Checks the options of a group's `ensure`.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkEnsure(options: EnsureOptions = {}): { readonly requireFrom: boolean } {
  checkOptionNames("ensure", options, ENSURE);
  return { requireFrom: options.requireFrom ?? false };
}

/**
 * For backends: checks the options of `groups.claim`.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkClaim(options: ClaimOptions): Required<ClaimOptions> & { ttlMs: number } {
  checkOptionNames("claim", options, CLAIM);
  return {
    holder: checkText("holder", options.holder),
    ttlMs: checkMs("ttlMs", options.ttlMs ?? DEFAULT_CLAIM_TTL_MS, 1),
  };
}

/**
 * For backends: checks the options of a claim's `release`; the note as JSON.
 *
 * @throws QueueError `INVALID_OPTION`, `PAYLOAD_*`
 */
export function checkRelease(options: ReleaseOptions = {}): string | undefined {
  checkOptionNames("release", options, RELEASE);
  const { note } = options;
  if (note === undefined) return undefined;
  return encodePayload(note, { name: "note", maxBytes: MAX_NOTE_BYTES });
}

function checkLimit(limit: unknown, byDefault: number, max: number): number {
  return limit === undefined ? byDefault : checkNumber("limit", limit, { min: 1, max });
}
