import { isPermanent, toErrorData } from "../error-data.ts";
import { QueueError } from "../errors.ts";
import type { NackOptions } from "../events.ts";
import { backoffDelayMs, type StoredGroupPolicy } from "../group-policy.ts";
import type { GroupInfo } from "../groups.ts";
import type { BuriedEntry, GroupEntry, LeasedEntry } from "./group-entry.ts";
import type { EventRecord } from "../stored-event.ts";

/** Reads the log from a position upwards. */
export type ReadLog = (after: number) => Iterable<EventRecord>;

const MAX_FAILURES = 10;

/**
 * One consumer group: a cursor, and an entry for each event that it has passed and that isn't settled:
 * leased, waiting for its next attempt, or waiting for an earlier event of its key.
 */
export class GroupState {
  readonly name: string;
  readonly policy: StoredGroupPolicy;
  cursor: number;
  lastServedAt: number;
  /** Events it was made to skip. */
  skipped = 0;
  readonly #entries = new Map<number, GroupEntry>();
  readonly #readLog: ReadLog;
  readonly #bury: (letter: BuriedEntry) => void;
  #lastToken = 0;

  constructor(options: {
    readonly name: string;
    readonly policy: StoredGroupPolicy;
    readonly cursor: number;
    readonly now: number;
    readonly readLog: ReadLog;
    readonly bury: (letter: BuriedEntry) => void;
  }) {
    this.name = options.name;
    this.policy = options.policy;
    this.cursor = options.cursor;
    this.lastServedAt = options.now;
    this.#readLog = options.readLog;
    this.#bury = options.bury;
  }

  /** Leases up to `limit` events in position order: what is due again, then what is new. */
  claim(limit: number, leaseMs: number, now: number): LeasedEntry[] {
    this.lastServedAt = now;
    this.#expireLeases(now);
    const claimed: LeasedEntry[] = [];
    const busyKeys = new Set<string>();
    for (const { record, lease } of this.#entries.values()) {
      if (lease !== undefined && record.key !== undefined) busyKeys.add(record.key);
    }
    for (const entry of this.#inOrder()) {
      if (claimed.length === limit) return claimed;
      const { key } = entry.record;
      if (entry.lease !== undefined || (key !== undefined && busyKeys.has(key))) continue;
      // Also when it isn't due: what comes after it in its key waits for it.
      if (key !== undefined) busyKeys.add(key);
      if (entry.dueAt <= now) claimed.push(this.#lease(entry, leaseMs, now));
    }
    for (const record of this.#readLog(this.cursor)) {
      if (claimed.length === limit) break;
      this.cursor = record.position;
      if (!this.#reads(record) || this.#entries.has(record.position)) continue;
      const entry: GroupEntry = { record, attempt: 0, dueAt: 0, redriven: false, failures: [] };
      this.#entries.set(record.position, entry);
      const { key } = record;
      if (key !== undefined && busyKeys.has(key)) continue;
      if (key !== undefined) busyKeys.add(key);
      claimed.push(this.#lease(entry, leaseMs, now));
    }
    return claimed;
  }

  /** When to look again although nothing was sent or settled, in ms from `now`. */
  nextDueIn(now: number): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { lease, dueAt } of this.#entries.values()) {
      const at = lease?.until ?? dueAt;
      if (at > now) next = Math.min(next, at);
    }
    return Number.isFinite(next) ? next - now : undefined;
  }

  /** Each of these is `false` when the lease with this token is no longer there: then nothing changes. */
  ack({ record, token }: LeasedEntry, now: number): boolean {
    if (this.#held(record.position, token) === undefined) return false;
    this.lastServedAt = now;
    return this.#entries.delete(record.position);
  }

  nack({ record, token }: LeasedEntry, options: NackOptions, now: number): boolean {
    const entry = this.#held(record.position, token);
    if (entry === undefined) return false;
    this.lastServedAt = now;
    const delayMs = options.delayMs ?? backoffDelayMs(this.policy.backoff, entry.attempt);
    this.#failed(entry, options.reason, now, now + delayMs);
    return true;
  }

  extend({ record, token }: LeasedEntry, ms: number, now: number): number | false {
    const entry = this.#held(record.position, token);
    if (entry === undefined) return false;
    this.lastServedAt = now;
    entry.lease = { token, until: now + ms };
    return now + ms;
  }

  release({ record, token }: LeasedEntry): boolean {
    const entry = this.#held(record.position, token);
    if (entry === undefined) return false;
    entry.lease = undefined;
    entry.attempt -= 1;
    entry.dueAt = 0;
    return true;
  }

  /** Gives a dead letter's event another round of attempts. */
  redrive(record: EventRecord): void {
    this.#entries.set(record.position, {
      record,
      attempt: 0,
      dueAt: 0,
      redriven: true,
      failures: [],
    });
  }

  /** Moves the cursor and forgets what was in flight: its leases are lost. */
  seek(cursor: number): void {
    this.cursor = cursor;
    this.#entries.clear();
  }

  /** Passes over what is older than its policy allows and nobody has leased; how many there were. */
  skip(now: number): number {
    const { skipAfterMs } = this.policy;
    if (skipAfterMs === null) return 0;
    const before = now - skipAfterMs;
    let count = 0;
    for (const record of this.#readLog(this.cursor)) {
      if (record.storedAt >= before) break;
      if (this.#reads(record) && !this.#entries.has(record.position)) count += 1;
      this.cursor = record.position;
    }
    for (const [position, { record, lease }] of this.#entries) {
      if (record.storedAt >= before || (lease !== undefined && lease.until > now)) continue;
      this.#entries.delete(position);
      count += 1;
    }
    this.skipped += count;
    return count;
  }

  /** The lowest position it may still need. */
  floor(): number {
    return Math.min(this.cursor + 1, ...this.#entries.keys());
  }

  counts(now: number): Pick<GroupInfo, "pending" | "inFlight" | "retrying"> {
    let pending = 0;
    let inFlight = 0;
    let retrying = 0;
    for (const { lease, attempt } of this.#entries.values()) {
      pending += 1;
      if (lease !== undefined && lease.until > now) inFlight += 1;
      else if (attempt > 0) retrying += 1;
    }
    for (const record of this.#readLog(this.cursor)) {
      if (this.#reads(record) && !this.#entries.has(record.position)) pending += 1;
    }
    return { pending, inFlight, retrying };
  }

  #reads(record: EventRecord): boolean {
    return this.policy.eventTypes?.includes(record.type) ?? true;
  }

  #inOrder(): GroupEntry[] {
    return [...this.#entries.values()].toSorted((a, b) => a.record.position - b.record.position);
  }

  #held(position: number, token: number): GroupEntry | undefined {
    const entry = this.#entries.get(position);
    return entry?.lease?.token === token ? entry : undefined;
  }

  #lease(entry: GroupEntry, leaseMs: number, now: number): LeasedEntry {
    this.#lastToken += 1;
    const token = this.#lastToken;
    entry.attempt += 1;
    entry.lease = { token, until: now + leaseMs };
    const { record, attempt, redriven } = entry;
    return { record, token, attempt, redelivered: redriven || attempt > 1, until: now + leaseMs };
  }

  #expireLeases(now: number): void {
    for (const entry of this.#inOrder()) {
      if (entry.lease === undefined || entry.lease.until > now) continue;
      const error = new QueueError(
        "LEASE_EXPIRED",
        `The lease on attempt ${entry.attempt} ran out before it was acked: its process ended, was blocked, or forgot to ack.`,
      );
      this.#failed(entry, error, now, now);
    }
  }

  #failed(entry: GroupEntry, reason: unknown, now: number, dueAt: number): void {
    entry.lease = undefined;
    entry.dueAt = dueAt;
    const error = toErrorData(reason);
    entry.failures.push({ attempt: entry.attempt, time: now, message: error.message });
    if (entry.failures.length > MAX_FAILURES) entry.failures.shift();
    if (entry.attempt < this.policy.maxAttempts && !isPermanent(reason)) return;
    const { record, attempt, failures } = entry;
    this.#entries.delete(record.position);
    this.#bury({
      record,
      group: this.name,
      attempts: attempt,
      error,
      history: failures,
      time: now,
    });
  }
}
