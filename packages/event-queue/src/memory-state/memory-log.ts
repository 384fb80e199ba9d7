import { randomBytes } from "node:crypto";
import { parseStartFrom, type StartFrom } from "@ringrift/envelope";
import type { Backlog } from "../sending/backlog-gate.ts";
import type { StoredEvent } from "../contract/events.ts";
import {
  groupExpired,
  groupMissed,
  groupSkipped,
  groupTypeEnded,
} from "../checking/group-errors.ts";
import type { QueueError } from "../failures/errors.ts";
import { requireSameEvent } from "../sending/id-taken.ts";
import { checkMs, checkOptionNames } from "../checking/check-options.ts";
import type { OutgoingRecord } from "../sending/outgoing.ts";
import { reportQueueError } from "../failures/queue-errors.ts";
import { newQueueId } from "../sending/queue-id.ts";
import type { LogPage, LogQuery } from "../reading/instance-reader.ts";
import type { BuriedEntry } from "./group-entry.ts";
import { DelayedRecords } from "./delayed-records.ts";
import { GroupState } from "./group-state.ts";
import { type EventRecord, toStoredEvent } from "../sending/stored-event.ts";

/** How a {@link MemoryLog} keeps its events. */
export interface MemoryLogOptions {
  /** How long a `dedupeKey` is remembered. @default 600_000 (10 minutes) */
  readonly dedupeWindowMs?: number | undefined;
  /** Events older than this go, once every group has settled them. @default 86_400_000 (24 hours) */
  readonly retentionMs?: number | undefined;
  /** Dead letters older than this go, and are counted. @default 2_592_000_000 (30 days) */
  readonly deadLetterRetentionMs?: number | undefined;
  /** The clock, in ms since the epoch, for tests. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/** For one instance: gives the log, after it has done what is due by now. */
export type SweptLog = () => MemoryLog;

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof MemoryLogOptions>([
  "dedupeWindowMs",
  "retentionMs",
  "deadLetterRetentionMs",
  "now",
]);

/**
 * A log in memory, for several `MemoryEventQueue` instances to share as processes share a file. Give it to
 * each as `{ log }`.
 *
 * @example
 * const log = new MemoryLog();
 * const sender = new MemoryEventQueue({ log });
 * const receiver = new MemoryEventQueue({ log });
 */
export class MemoryLog {
  /** @internal */
  readonly id: string = newQueueId();
  /** @internal */
  readonly now: () => number;
  /** @internal See `QueueBackend.secret`. */
  readonly secret: Uint8Array = randomBytes(32);
  /** @internal */
  readonly bells: Set<{ ring(): void }> = new Set();
  /** @internal */
  readonly groups: Map<string, GroupState> = new Map();
  /** @internal Oldest first. */
  readonly deadLetters: BuriedEntry[] = [];
  /** @internal Buried since somebody last looked. */
  readonly buried: BuriedEntry[] = [];
  /** @internal */
  readonly claims: Map<string, { holder: string; until: number }> = new Map();
  /** @internal By group: what the last holder of its name left. */
  readonly notes: Map<string, string> = new Map();
  readonly #retentionMs: number;
  readonly #deadLetterRetentionMs: number;
  readonly #dedupeWindowMs: number;
  /** Positions are contiguous: the record of position `p` is at `p - #removed - 1`. */
  readonly #records: EventRecord[] = [];
  readonly #byId = new Map<string, EventRecord>();
  /** Ids by type and dedupe key. */
  readonly #byKey = new Map<string, { readonly id: string; readonly until: number }>();
  readonly #delayed: DelayedRecords;
  #newestStoredAt = 0;
  #removed = 0;

  /** @throws QueueError `INVALID_OPTION` */
  constructor(options: MemoryLogOptions = {}) {
    checkOptionNames("MemoryLog", options, OPTION_NAMES);
    const { dedupeWindowMs = 600_000, retentionMs = 86_400_000 } = options;
    const { deadLetterRetentionMs = 2_592_000_000, now = () => Date.now() } = options;
    this.#dedupeWindowMs = checkMs("dedupeWindowMs", dedupeWindowMs);
    this.#retentionMs = checkMs("retentionMs", retentionMs);
    this.#deadLetterRetentionMs = checkMs("deadLetterRetentionMs", deadLetterRetentionMs);
    this.now = now;
    this.#delayed = new DelayedRecords(now, () => this.#admit());
  }

  /** @internal Position of the newest event ever stored; 0 before the first. */
  get newest(): number {
    return this.#removed + this.#records.length;
  }

  /** @internal */
  get size(): number {
    return this.#records.length;
  }

  /** @internal Events that wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** @internal They fall due in this order. */
  get delayedRecords(): readonly EventRecord[] {
    return this.#delayed.records;
  }

  /** @internal The event that has an id: at position 0 while it is delayed. */
  recordOf(id: string): EventRecord | undefined {
    return this.#byId.get(id);
  }

  /** @internal Stores all, in one step; what is known already is given back as it was stored. */
  append(outgoing: readonly OutgoingRecord[]): StoredEvent[] {
    const now = this.now();
    this.#requireOwnIds(outgoing, now);
    const results = outgoing.map((event) => {
      const known = this.#known(event, now);
      if (known !== undefined) return { ...toStoredEvent(known), duplicate: true as const };
      return toStoredEvent(this.#store(event, now));
    });
    this.ring();
    return results;
  }

  /** @internal */
  *after(position: number): Generator<EventRecord, void> {
    for (let next = Math.max(position, this.#removed); next < this.newest; next += 1) {
      const record = this.#records[next - this.#removed];
      if (record !== undefined) yield record;
    }
  }

  /** @internal */
  read(query: LogQuery): LogPage {
    const { eventTypes, after, limit } = query;
    const events: StoredEvent[] = [];
    for (const record of this.after(after)) {
      if (eventTypes !== undefined && !eventTypes.includes(record.type)) continue;
      events.push(toStoredEvent(record));
      if (events.length === limit) return { events, scannedTo: record.position };
    }
    return { events, scannedTo: Math.max(after, this.newest) };
  }

  /** @internal The position after which a reader begins; beyond the newest is the newest. */
  resolve(from: StartFrom): number {
    const start = parseStartFrom(from);
    if (start === "beginning") return 0;
    if (start === "now") return this.newest;
    if ("position" in start) return Math.min(Math.max(start.position - 1, 0), this.newest);
    for (const record of this.after(0)) {
      if (record.storedAt >= start.time) return record.position - 1;
    }
    return this.newest;
  }

  /** @internal */
  createGroup(options: Pick<GroupState, "name" | "policy" | "wanted" | "cursor">): GroupState {
    const { name } = options;
    const group = new GroupState({
      ...options,
      now: this.now(),
      readLog: (after) => this.after(after),
      bury: (letter) => {
        this.dropLetters((old) => old.group === name && old.record === letter.record);
        this.deadLetters.push(letter);
        this.buried.push(letter);
      },
    });
    this.groups.set(name, group);
    return group;
  }

  /** @internal Removes a group and all it has. */
  removeGroup(name: string): boolean {
    this.dropLetters((letter) => letter.group === name);
    this.notes.delete(name);
    // Who still holds a lease of it has lost it, also when a group of this name is made again.
    this.groups.get(name)?.seek(0);
    const isGone = this.groups.delete(name);
    if (isGone) this.ring();
    return isGone;
  }

  /** @internal Who has claimed a name, if anybody. */
  holderOf(name: string): string | undefined {
    const claim = this.claims.get(name);
    return claim !== undefined && claim.until > this.now() ? claim.holder : undefined;
  }

  /** @internal The group that has the most still to settle, of those that hold senders back. */
  furthestBehind(): Backlog | undefined {
    const now = this.now();
    return [...this.groups.values()]
      .filter(({ name, isReader }) => !isReader || this.holderOf(name) !== undefined)
      .map((group) => ({ group: group.name, pending: group.counts(now).pending }))
      .toSorted((one, other) => other.pending - one.pending)[0];
  }

  /** @internal How many dead letters a group has. */
  lettersOf(name: string): number {
    return this.deadLetters.filter((letter) => letter.group === name).length;
  }

  /** @internal */
  dropLetters(gone: (letter: BuriedEntry) => boolean): void {
    const kept = this.deadLetters.filter((letter) => !gone(letter));
    this.deadLetters.splice(0, this.deadLetters.length, ...kept);
  }

  /** @internal Takes in what is due, removes expired groups and old events; done at each use. */
  sweep(dropped: (reason: string, count: number) => void): void {
    this.#admit();
    const now = this.now();
    const tell = (reason: string, count: number, error: QueueError): void => {
      dropped(reason, count);
      reportQueueError(error, "Retention");
    };
    for (const [name, group] of this.groups) {
      if (this.#isExpired(group, now)) {
        const { pending } = group.counts(now);
        tell("group-expired", pending, groupExpired(group, pending));
        this.removeGroup(name);
        continue;
      }
      const skipped = group.skip(now);
      if (skipped > 0) tell("skipped", skipped, groupSkipped(group, skipped));
      group.noteMembers(now);
      const { eventTypes, count } = group.endTypes(now);
      if (eventTypes.length > 0) tell("type-ended", count, groupTypeEnded(name, eventTypes, count));
      const late = group.dropUnwanted(now);
      group.skipped += late;
      if (late > 0) dropped("type-ended", late);
    }
    const letters = this.deadLetters.length;
    this.dropLetters(({ time }) => time < now - this.#deadLetterRetentionMs);
    const gone = letters - this.deadLetters.length;
    if (gone > 0) dropped("dead-letter-retention", gone);
    this.#sweepRecords(now, tell, dropped);
  }

  /** @internal Wakes whoever waits, in every instance. */
  ring(): void {
    for (const bell of this.bells) bell.ring();
  }

  #sweepRecords(
    now: number,
    tell: (reason: string, count: number, error: QueueError) => void,
    dropped: (reason: string, count: number) => void,
  ): void {
    const [oldest] = this.#records;
    if (oldest === undefined || oldest.storedAt >= now - this.#retentionMs) return;
    const groups = [...this.groups.values()];
    const holds = ({ lastServedAt, policy }: GroupState): boolean =>
      now - lastServedAt <= policy.holdMs;
    const floor = Math.min(...groups.filter(holds).map((group) => group.floor()));
    let count = 0;
    for (const record of this.#records) {
      if (record.storedAt >= now - this.#retentionMs || record.position >= floor) break;
      this.#byId.delete(record.lineage.id);
      count += 1;
    }
    if (count === 0) return;
    const removed = this.#records.splice(0, count);
    this.#removed += count;
    for (const group of groups) {
      if (holds(group)) continue;
      const missed = group.miss(removed, now);
      if (missed > 0) tell("missed", missed, groupMissed(group, missed));
    }
    dropped("retention", count);
  }

  /** A work group that has anything left to do is waited for. */
  #isExpired(group: GroupState, now: number): boolean {
    const { name, policy, lastServedAt, isReader } = group;
    if (now - lastServedAt <= policy.expireAfterMs) return false;
    if (isReader) return true;
    const hasDied = this.deadLetters.some((letter) => letter.group === name);
    return !hasDied && group.counts(now).pending === 0;
  }

  /** Before anything is stored: all of them, or none. */
  #requireOwnIds(outgoing: readonly OutgoingRecord[], now: number): void {
    const among = new Map<string, OutgoingRecord>();
    for (const event of outgoing) {
      if (event.fresh || this.#knownByKey(event, now) !== undefined) continue;
      const { id } = event.lineage;
      const first = this.#byId.get(id) ?? among.get(id);
      if (first !== undefined) requireSameEvent(event, first);
      among.set(id, event);
    }
  }

  #known(event: OutgoingRecord, now: number): EventRecord | undefined {
    return this.#knownByKey(event, now) ?? this.#byId.get(event.lineage.id);
  }

  #knownByKey({ type, dedupeKey }: OutgoingRecord, now: number): EventRecord | undefined {
    if (dedupeKey === undefined) return undefined;
    const first = this.#byKey.get(keyOf(type, dedupeKey));
    return first !== undefined && first.until > now ? this.#byId.get(first.id) : undefined;
  }

  #store(event: OutgoingRecord, now: number): EventRecord {
    const { lineage, type, body, key, headers, dedupeKey, delayMs } = event;
    if (dedupeKey !== undefined) this.#remember(keyOf(type, dedupeKey), lineage.id, now);
    const record: EventRecord = { lineage, position: 0, type, body, key, headers, storedAt: now };
    if (delayMs === 0) return this.#push(record);
    const delayed = { ...record, dueAt: now + delayMs };
    this.#delayed.add(delayed);
    this.#byId.set(lineage.id, delayed);
    return delayed;
  }

  #push(record: EventRecord): EventRecord {
    // It never decreases along the log, so that a moment is a place in it, should somebody set the clock back.
    this.#newestStoredAt = Math.max(this.#newestStoredAt, record.storedAt);
    const placed = { ...record, position: this.newest + 1, storedAt: this.#newestStoredAt };
    this.#records.push(placed);
    this.#byId.set(placed.lineage.id, placed);
    return placed;
  }

  /** Takes in the delayed events whose time has come. */
  #admit(): void {
    const due = this.#delayed.takeDue();
    for (const record of due) this.#push({ ...record, dueAt: undefined, storedAt: this.now() });
    if (due.length > 0) this.ring();
  }

  #remember(key: string, id: string, now: number): void {
    // Insertion order is the order of expiry: what has expired is at the front.
    for (const [old, { until }] of this.#byKey) {
      if (until > now) break;
      this.#byKey.delete(old);
    }
    this.#byKey.delete(key);
    this.#byKey.set(key, { id, until: now + this.#dedupeWindowMs });
  }
}

/** A dedupe key counts within its type; no type has a space. */
function keyOf(type: string, dedupeKey: string): string {
  return `${type} ${dedupeKey}`;
}
