import { randomBytes } from "node:crypto";
import { parseStartFrom, type StartFrom } from "@ringrift/envelope";
import type { Backlog } from "../backlog-gate.ts";
import type { StoredEvent } from "../events.ts";
import type { StoredGroupPolicy } from "../group-policy.ts";
import { groupSkipped } from "../group-errors.ts";
import { requireSameEvent } from "../id-taken.ts";
import { checkMs, checkOptionNames } from "../options.ts";
import type { OutgoingRecord } from "../outgoing.ts";
import { reportQueueError } from "../queue-errors.ts";
import type { LogPage, LogQuery } from "../reader.ts";
import type { BuriedEntry } from "./group-entry.ts";
import { DelayedRecords } from "./delayed-records.ts";
import { GroupState } from "./group-state.ts";
import { type EventRecord, toStoredEvent } from "../stored-event.ts";

/** How a {@link MemoryLog} keeps its events. */
export interface MemoryLogOptions {
  /** How long a `dedupeKey` is remembered. @default 600_000 (10 minutes) */
  readonly dedupeWindowMs?: number | undefined;
  /** Events older than this go, once every group has settled them. @default 86_400_000 (24 hours) */
  readonly retentionMs?: number | undefined;
  /** The clock, in ms since the epoch, for tests. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/** For one instance: gives the log, after it has done what is due by now. */
export type SweptLog = () => MemoryLog;

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof MemoryLogOptions>([
  "dedupeWindowMs",
  "retentionMs",
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
  readonly now: () => number;
  /** @internal See `QueueBackend.secret`. */
  readonly secret: Uint8Array = randomBytes(32);
  /** @internal */
  readonly bells: Set<{ ring(): void }> = new Set();
  /** @internal */
  readonly groups: Map<string, GroupState> = new Map();
  /** @internal Oldest first. */
  readonly deadLetters: BuriedEntry[] = [];
  /** @internal */
  readonly claims: Map<string, { holder: string; until: number }> = new Map();
  readonly #retentionMs: number;
  readonly #dedupeWindowMs: number;
  /** Positions are contiguous: the record of position `p` is at `p - #removed - 1`. */
  readonly #records: EventRecord[] = [];
  readonly #byId = new Map<string, EventRecord>();
  /** Ids by type and dedupe key. */
  readonly #byKey = new Map<string, { readonly id: string; readonly until: number }>();
  readonly #delayed: DelayedRecords;
  #removed = 0;

  constructor(options: MemoryLogOptions = {}) {
    checkOptionNames("MemoryLog", options, OPTION_NAMES);
    const { dedupeWindowMs = 600_000, retentionMs = 86_400_000, now = Date.now } = options;
    this.#dedupeWindowMs = checkMs("dedupeWindowMs", dedupeWindowMs);
    this.#retentionMs = checkMs("retentionMs", retentionMs);
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
  createGroup(name: string, policy: StoredGroupPolicy, from: StartFrom): GroupState {
    const group = new GroupState({
      name,
      policy,
      cursor: this.resolve(from),
      now: this.now(),
      readLog: (after) => this.after(after),
      bury: (letter) => {
        this.dropLetters((old) => old.group === name && old.record === letter.record);
        this.deadLetters.push(letter);
      },
    });
    this.groups.set(name, group);
    return group;
  }

  /** @internal Removes a group and all it has. */
  removeGroup(name: string): boolean {
    this.dropLetters((letter) => letter.group === name);
    // Who still holds a lease of it has lost it, also when a group of this name is made again.
    this.groups.get(name)?.seek(0);
    return this.groups.delete(name);
  }

  /** @internal The group that has the most still to settle. */
  furthestBehind(): Backlog | undefined {
    const now = this.now();
    return [...this.groups.values()]
      .map((group) => ({ group: group.name, pending: group.counts(now).pending }))
      .toSorted((one, other) => other.pending - one.pending)[0];
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
    for (const [name, group] of this.groups) {
      if (now - group.lastServedAt <= group.policy.expireAfterMs) {
        const skipped = group.skip(now);
        if (skipped > 0) dropped("skipped", skipped);
        if (skipped > 0) reportQueueError(groupSkipped(group, skipped), "Retention");
        continue;
      }
      dropped("group-expired", group.counts(now).pending);
      this.removeGroup(name);
    }
    const floor = Math.min(...[...this.groups.values()].map((group) => group.floor()));
    let count = 0;
    for (const record of this.#records) {
      if (record.storedAt >= now - this.#retentionMs || record.position >= floor) break;
      this.#byId.delete(record.lineage.id);
      count += 1;
    }
    if (count === 0) return;
    this.#records.splice(0, count);
    this.#removed += count;
    dropped("retention", count);
  }

  /** @internal Wakes whoever waits, in every instance. */
  ring(): void {
    for (const bell of this.bells) bell.ring();
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
    const placed = { ...record, position: this.newest + 1 };
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
