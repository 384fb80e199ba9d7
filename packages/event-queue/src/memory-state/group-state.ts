import { type CarriedLetter, redrivenLetter } from "../backend/migration-backend.ts";
import { isPermanent, toErrorData } from "../failures/error-data.ts";
import { QueueError } from "../failures/errors.ts";
import type { NackOptions } from "../contract/events.ts";
import { backoffDelayMs, type StoredGroupPolicy } from "../checking/group-policy.ts";
import type { GroupInfo } from "../contract/groups.ts";
import type { EventRecord } from "../sending/stored-event.ts";
import { MOST_SET_ASIDE, type WantedTypes } from "../groups/wanted-types.ts";
import type { BuriedEntry, GroupEntry, LeasedEntry } from "./group-entry.ts";
import { GroupEntries } from "./group-entries.ts";
import { GroupMembers } from "./group-members.ts";

/** Reads the log from a position upwards. */
export type ReadLog = (after: number) => Iterable<EventRecord>;

/** What a member asks for. */
export interface EntryClaim {
  readonly limit: number;
  readonly leaseMs: number;
  readonly now: number;
  /** What holds for the member. */
  readonly policy: StoredGroupPolicy;
  readonly accepts: (type: string) => boolean;
}

const MAX_FAILURES = 10;

/**
 * One consumer group: a cursor, and an entry for each event that it has passed and that isn't settled:
 * leased, waiting for its next attempt, waiting for an earlier event of its key, or for a member that has a handler.
 */
export class GroupState {
  readonly name: string;
  readonly members: GroupMembers = new GroupMembers();
  policy: StoredGroupPolicy;
  wanted: WantedTypes;
  /** Its name was claimed: it is its holder's. */
  isReader = false;
  cursor: number;
  lastServedAt: number;
  /** Events it was made to skip. */
  skipped = 0;
  /** By a migration: where it began here, and up to where its events may have been handled in another log. */
  adopted: { readonly start: number; readonly againUpTo: number } | undefined;
  readonly #entries = new GroupEntries();
  readonly #readLog: ReadLog;
  readonly #bury: (letter: BuriedEntry) => void;
  #lastToken = 0;
  /** Something that it doesn't want any more was leased when that was looked at. */
  #mayHoldUnwanted = false;

  constructor(options: {
    readonly name: string;
    readonly policy: StoredGroupPolicy;
    readonly wanted: WantedTypes;
    readonly cursor: number;
    readonly now: number;
    readonly readLog: ReadLog;
    readonly bury: (letter: BuriedEntry) => void;
  }) {
    this.name = options.name;
    this.policy = options.policy;
    this.wanted = options.wanted;
    this.cursor = options.cursor;
    this.lastServedAt = options.now;
    this.#readLog = options.readLog;
    this.#bury = options.bury;
  }

  /** Notes that a member serves it. Also when the clock was set back, it was served when it was. */
  serve(now: number): void {
    this.lastServedAt = Math.max(this.lastServedAt, now);
  }

  /** Leases up to `limit` events in position order: what is due again, then what is new. */
  claim(request: EntryClaim): LeasedEntry[] {
    const { limit, leaseMs, now, accepts } = request;
    this.serve(now);
    const claimed: LeasedEntry[] = [];
    if (this.policy.paused) return claimed;
    this.#expireLeases(request);
    for (const entry of this.#entries.claimable()) {
      if (claimed.length === limit) return claimed;
      // Also when it isn't due, what comes after it in its key waits for it.
      if (entry.lease !== undefined || entry.dueAt > now) continue;
      if (accepts(entry.record.type)) {
        claimed.push(this.#lease(entry, leaseMs, now));
        continue;
      }
      this.#entries.setAside(entry);
      // Whoever accepts it finds it at once, whatever becomes of the clock.
      entry.dueAt = 0;
    }
    this.#claimNew(request, claimed);
    // What was redriven may lie ahead of what is new, when the group was moved back.
    return claimed.toSorted((one, other) => one.record.position - other.record.position);
  }

  /** Whether a member of these types would find something set aside for it. */
  hasSetAside(accepts: (type: string) => boolean): boolean {
    return [...this.#entries.aside].some(({ record }) => accepts(record.type));
  }

  /** When to look again although nothing was sent or settled, in ms from `now`. */
  nextDueIn(now: number): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { lease, dueAt } of this.#entries.claimable()) {
      const at = lease?.until ?? dueAt;
      if (at > now) next = Math.min(next, at);
    }
    return Number.isFinite(next) ? next - now : undefined;
  }

  /** Each of these is `false` when the lease with this token is no longer there: then nothing changes. */
  ack({ record, token }: LeasedEntry, now: number): boolean {
    if (this.#held(record.position, token) === undefined) return false;
    this.serve(now);
    return this.#entries.delete(record.position);
  }

  nack(
    { record, token }: LeasedEntry,
    options: NackOptions,
    { now, policy }: Pick<EntryClaim, "now" | "policy">,
  ): boolean {
    const entry = this.#held(record.position, token);
    if (entry === undefined) return false;
    this.serve(now);
    const delayMs = options.delayMs ?? backoffDelayMs(policy.backoff, entry.attempt);
    const { maxAttempts } = policy;
    this.#failed(entry, options.reason, { now, dueAt: now + delayMs, maxAttempts });
    return true;
  }

  extend({ record, token }: LeasedEntry, ms: number, now: number): number | false {
    const entry = this.#held(record.position, token);
    if (entry === undefined) return false;
    this.serve(now);
    entry.lease = { token, until: now + ms };
    return now + ms;
  }

  /** For how much longer a lease holds; 0 when it is lost. */
  leftMs({ record, token }: LeasedEntry, now: number): number {
    const until = this.#held(record.position, token)?.lease?.until;
    return until === undefined ? 0 : until - now;
  }

  release({ record, token }: LeasedEntry): boolean {
    const entry = this.#held(record.position, token);
    if (entry === undefined) return false;
    this.#entries.unlease(entry);
    entry.attempt -= 1;
    entry.dueAt = 0;
    return true;
  }

  /**
   * Gives a dead letter's event another round of attempts, unless the group was moved back and has it again: in hand, or
   * ahead of it. Then it comes once, in its place, so that the events of a key stay in order.
   */
  redrive(record: EventRecord, now: number): void {
    if (this.#entries.has(record.position) || this.#isAhead(record, now)) return;
    this.#entries.add({ record, attempt: 0, dueAt: 0, redriven: true, failures: [] });
  }

  /** Moves the cursor and forgets what was in flight: its leases are lost. */
  seek(cursor: number): void {
    this.cursor = cursor;
    this.wanted = this.wanted.fromCursor();
    this.#entries.clear();
    // Somebody has decided where it goes on.
    this.adopted = undefined;
  }

  /** Moves it as a migration wants it, while it is untouched: what was redriven stays. */
  moveTo(cursor: number, policy: StoredGroupPolicy, wanted: WantedTypes): void {
    this.cursor = cursor;
    this.policy = policy;
    this.wanted = wanted;
  }

  /** Passes over what is older than its policy allows and nobody has leased; how many there were. */
  skip(now: number): number {
    const { skipAfterMs } = this.policy;
    if (skipAfterMs === null) return 0;
    const before = now - skipAfterMs;
    let count = this.#passWhile(({ storedAt }) => storedAt < before);
    count += this.#drop(now, ({ record }) => record.storedAt < before);
    this.skipped += count;
    return count;
  }

  /** Notes which types nobody wants of those who are there; `isFirst` when there was nobody before. */
  noteMembers(now: number, isFirst = false): void {
    const live = this.members.live(now).map(({ accepts }) => accepts);
    this.wanted = this.wanted.marked(live, { now, isFirst });
  }

  /** Ends the types that nobody wants any more; which ones, and how many events of them it had pending. */
  endTypes(now: number): { readonly eventTypes: readonly string[]; readonly count: number } {
    const before = this.wanted;
    if (this.members.live(now).length > 0) this.wanted = before.withoutOver(now);
    if (this.wanted === before) return { eventTypes: [], count: 0 };
    const { eventTypes } = this.wanted;
    this.policy = { ...this.policy, eventTypes };
    let count = 0;
    for (const record of this.#readLog(this.cursor)) {
      const { type, position } = record;
      if (this.#entries.has(position)) continue;
      if (before.wants(type, position) && !this.wanted.wants(type, position)) count += 1;
    }
    this.#mayHoldUnwanted = true;
    count += this.dropUnwanted(now);
    this.skipped += count;
    return { eventTypes: before.over(now), count };
  }

  /** Drops what it has of types that it doesn't want any more; not what was redriven by hand. */
  dropUnwanted(now: number): number {
    if (!this.#mayHoldUnwanted) return 0;
    const isUnwanted = ({ record, redriven }: GroupEntry): boolean =>
      !redriven && !this.wanted.has(record.type);
    const count = this.#drop(now, isUnwanted);
    this.#mayHoldUnwanted = [...this.#entries.values()].some(isUnwanted);
    return count;
  }

  /** Passes over what retention has taken; how many events there were that it wanted. */
  miss(removed: readonly EventRecord[], now: number): number {
    const last = removed.at(-1)?.position ?? 0;
    let count = removed.filter(
      (record) => record.position > this.cursor && this.#wants(record),
    ).length;
    this.cursor = Math.max(this.cursor, last);
    count += this.#drop(now, ({ record, redriven }) => !redriven && record.position <= last);
    this.skipped += count;
    return count;
  }

  /** The lowest position it may still need; infinite when it needs none that is there. */
  floor(): number {
    const lowest = this.#entries.lowest();
    for (const record of this.#readLog(this.cursor)) {
      if (record.position >= lowest) break;
      if (this.#wants(record)) return record.position;
    }
    return lowest;
  }

  /** Position of the oldest event that it has still to settle; what was redriven doesn't count. */
  oldestUnsettled(): number | undefined {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { record, redriven } of this.#entries.values()) {
      if (!redriven) oldest = Math.min(oldest, record.position);
    }
    for (const record of this.#readLog(this.cursor)) {
      if (record.position >= oldest) break;
      if (this.#wants(record)) return record.position;
    }
    return Number.isFinite(oldest) ? oldest : undefined;
  }

  /** What was given back to it from the dead letters, and isn't settled. */
  redriven(): CarriedLetter[] {
    return [...this.#entries.values()].flatMap(({ record, redriven }) =>
      redriven ? redrivenLetter(this.name, record) : [],
    );
  }

  /** A migration has made it, and no member was given anything of it since. */
  get isUntouched(): boolean {
    if (this.cursor !== this.adopted?.start) return false;
    return [...this.#entries.values()].every(({ redriven, attempt }) => redriven && attempt === 0);
  }

  counts(now: number): Pick<GroupInfo, "pending" | "inFlight" | "retrying" | "setAside"> {
    let pending = 0;
    let inFlight = 0;
    let retrying = 0;
    const setAside: Record<string, number> = {};
    for (const { lease, attempt } of this.#entries.values()) {
      pending += 1;
      if (lease !== undefined && lease.until > now) inFlight += 1;
      else if (attempt > 0) retrying += 1;
    }
    for (const { record } of this.#entries.aside) {
      setAside[record.type] = (setAside[record.type] ?? 0) + 1;
    }
    for (const record of this.#readLog(this.cursor)) {
      if (this.#wants(record) && !this.#entries.has(record.position)) pending += 1;
    }
    return { pending, inFlight, retrying, setAside };
  }

  #claimNew({ limit, leaseMs, now, accepts }: EntryClaim, claimed: LeasedEntry[]): void {
    let free = MOST_SET_ASIDE - this.#entries.aside.size;
    const passedKeys = new Set<string>();
    // They are left in the log unless something lies behind them that this member takes.
    let passed: EventRecord[] = [];
    for (const record of this.#readLog(this.cursor)) {
      if (claimed.length === limit) break;
      const { key, position } = record;
      if (!this.#wants(record) || this.#entries.has(position)) {
        if (passed.length === 0) this.cursor = position;
        continue;
      }
      if (!accepts(record.type)) {
        if (passed.length >= free) break;
        passed.push(record);
        if (key !== undefined) passedKeys.add(key);
        continue;
      }
      for (const other of passed) this.#entries.setAside(this.#enter(other));
      free -= passed.length;
      passed = [];
      this.cursor = position;
      const isHeld = key !== undefined && (this.#entries.isBusy(key) || passedKeys.has(key));
      const entry = this.#enter(record);
      if (isHeld) continue;
      claimed.push(this.#lease(entry, leaseMs, now));
    }
  }

  #enter(record: EventRecord): GroupEntry {
    const entry: GroupEntry = { record, attempt: 0, dueAt: 0, redriven: false, failures: [] };
    this.#entries.add(entry);
    return entry;
  }

  /** Moves the cursor; how many events it wanted lie below, and had no entry. */
  #passWhile(isPassed: (record: EventRecord) => boolean): number {
    let count = 0;
    for (const record of this.#readLog(this.cursor)) {
      if (!isPassed(record)) break;
      if (this.#wants(record) && !this.#entries.has(record.position)) count += 1;
      this.cursor = record.position;
    }
    return count;
  }

  /** Drops entries that no member has just now. */
  #drop(now: number, isDropped: (entry: GroupEntry) => boolean): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      const isLeased = entry.lease !== undefined && entry.lease.until > now;
      if (isLeased || !isDropped(entry)) continue;
      this.#entries.delete(entry.record.position);
      count += 1;
    }
    return count;
  }

  /** Whether the group gets to it by the log. */
  #isAhead(record: EventRecord, now: number): boolean {
    const { position, storedAt } = record;
    if (position <= this.cursor || !this.#wants(record)) return false;
    const { skipAfterMs } = this.policy;
    if (skipAfterMs !== null && storedAt < now - skipAfterMs) return false;
    const [next] = this.#readLog(position - 1);
    return next?.position === position;
  }

  #wants({ type, position }: EventRecord): boolean {
    return this.wanted.wants(type, position);
  }

  #held(position: number, token: number): GroupEntry | undefined {
    const entry = this.#entries.get(position);
    return entry?.lease?.token === token ? entry : undefined;
  }

  #lease(entry: GroupEntry, leaseMs: number, now: number): LeasedEntry {
    this.#lastToken += 1;
    const token = this.#lastToken;
    entry.attempt += 1;
    this.#entries.lease(entry, { token, until: now + leaseMs });
    const { record, attempt, redriven } = entry;
    const isAgain = record.position <= (this.adopted?.againUpTo ?? 0);
    const redelivered = redriven || attempt > 1 || isAgain;
    return { record, token, attempt, redelivered, until: now + leaseMs };
  }

  /** What holds for whoever would handle it now is what counts; for what the claimer doesn't handle, what is stored. */
  #expireLeases({ now, accepts, policy }: EntryClaim): void {
    for (const entry of this.#entries.claimable()) {
      if (entry.lease === undefined || entry.lease.until > now) continue;
      const error = new QueueError(
        "LEASE_EXPIRED",
        `The lease on attempt ${entry.attempt} ran out before it was acked: its process ended, was blocked, or forgot to ack.`,
      );
      const { maxAttempts } = accepts(entry.record.type) ? policy : this.policy;
      this.#failed(entry, error, { now, dueAt: now, maxAttempts });
    }
  }

  #failed(
    entry: GroupEntry,
    reason: unknown,
    outcome: { readonly now: number; readonly dueAt: number; readonly maxAttempts: number },
  ): void {
    const { now, dueAt, maxAttempts } = outcome;
    this.#entries.unlease(entry);
    entry.dueAt = dueAt;
    const error = toErrorData(reason);
    entry.failures.push({ attempt: entry.attempt, time: now, message: error.message });
    if (entry.failures.length > MAX_FAILURES) entry.failures.shift();
    if (entry.attempt < maxAttempts && !isPermanent(reason)) return;
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
