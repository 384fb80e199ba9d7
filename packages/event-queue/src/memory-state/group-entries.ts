import type { GroupEntry } from "./group-entry.ts";
import { KeyLine } from "./key-line.ts";

/**
 * What a group has passed and not settled, by position. Of each key only the event that is leased, or else the first one,
 * can be claimed: so a claim costs the same however many wait behind it.
 */
export class GroupEntries {
  readonly #all = new Map<number, GroupEntry>();
  readonly #withoutKey = new Map<number, GroupEntry>();
  readonly #lines = new Map<string, KeyLine>();
  /** Of each key the one whose turn it is. */
  readonly #fronts = new Map<string, GroupEntry>();
  readonly #aside = new Set<GroupEntry>();
  /** Those that were added after one with a higher position. */
  readonly #late = new Set<number>();
  #highest = 0;

  /** Those that wait for a member that has a handler. */
  get aside(): ReadonlySet<GroupEntry> {
    return this.#aside;
  }

  has(position: number): boolean {
    return this.#all.has(position);
  }

  get(position: number): GroupEntry | undefined {
    return this.#all.get(position);
  }

  /** All of them, in no order. */
  values(): Iterable<GroupEntry> {
    return this.#all.values();
  }

  /** Whether an event of this key is unsettled. */
  isBusy(key: string): boolean {
    return this.#lines.has(key);
  }

  /** The leased ones, and those whose turn it is, by position. */
  claimable(): GroupEntry[] {
    return [...this.#withoutKey.values(), ...this.#fronts.values()].toSorted(
      (a, b) => a.record.position - b.record.position,
    );
  }

  /** The lowest position; infinite when there is none. */
  lowest(): number {
    // In the order in which they were added: all but the late ones ascend.
    let [lowest = Number.POSITIVE_INFINITY] = this.#all.keys();
    for (const position of this.#late) lowest = Math.min(lowest, position);
    return lowest;
  }

  /** There is none with the same position. */
  add(entry: GroupEntry): void {
    const { position, key } = entry.record;
    this.#all.set(position, entry);
    if (position < this.#highest) this.#late.add(position);
    else this.#highest = position;
    if (key === undefined) {
      this.#withoutKey.set(position, entry);
      return;
    }
    const line = this.#lines.get(key) ?? new KeyLine();
    this.#lines.set(key, line);
    line.add(entry);
    this.#turn(key, line);
  }

  delete(position: number): boolean {
    const entry = this.#all.get(position);
    if (entry === undefined) return false;
    const { key } = entry.record;
    this.#all.delete(position);
    this.#aside.delete(entry);
    this.#late.delete(position);
    this.#withoutKey.delete(position);
    const line = key === undefined ? undefined : this.#lines.get(key);
    if (key === undefined || line === undefined) return true;
    line.delete(entry);
    if (this.#fronts.get(key) === entry) this.#fronts.delete(key);
    this.#turn(key, line);
    return true;
  }

  clear(): void {
    this.#all.clear();
    this.#withoutKey.clear();
    this.#lines.clear();
    this.#fronts.clear();
    this.#aside.clear();
    this.#late.clear();
    this.#highest = 0;
  }

  /** It waits for a member that has a handler. */
  setAside(entry: GroupEntry): void {
    this.#aside.add(entry);
  }

  lease(entry: GroupEntry, lease: NonNullable<GroupEntry["lease"]>): void {
    this.#aside.delete(entry);
    entry.lease = lease;
  }

  /** It is nobody's any more. */
  unlease(entry: GroupEntry): void {
    entry.lease = undefined;
  }

  /** Whoever has its turn keeps it until it is settled, also when one before it is redriven; then it is the first one's. */
  #turn(key: string, line: KeyLine): void {
    if (this.#fronts.has(key)) return;
    const { first } = line;
    if (first !== undefined) {
      this.#fronts.set(key, first);
      return;
    }
    this.#fronts.delete(key);
    this.#lines.delete(key);
  }
}
