import type { StoredEvent } from "../../contract/events.ts";

/** How events and positions of one log are called, so that those of two logs can be compared. */
export class LogView {
  /** Every event that was seen in the log, oldest first, also those that are gone. */
  readonly seen: StoredEvent[] = [];
  readonly #names = new Map<string, string>();
  readonly #ordinals = new Map<number, number>();
  readonly #latest = new Map<number, number>();

  /** Learns what is new in the log. */
  look(retained: readonly StoredEvent[]): void {
    const last = this.seen.at(-1)?.position ?? 0;
    let latest = this.#latest.get(last) ?? 0;
    for (const event of retained) {
      if (event.position <= last) continue;
      this.seen.push(event);
      this.#ordinals.set(event.position, this.seen.length);
      latest = Math.max(latest, event.storedAt);
      this.#latest.set(event.position, latest);
    }
  }

  /** The name of an event: ids differ, and so they are counted as they are first seen. */
  nameOf(id: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const name = `event ${this.#names.size + 1}`;
    this.#names.set(id, name);
    return name;
  }

  /** Which event of the log is at this position, counted from 1; 0 for none. */
  ordinalOf(position: number): number | string {
    return position === 0 ? 0 : (this.#ordinals.get(position) ?? `unknown position ${position}`);
  }

  /** The latest time at which an event up to this position was stored; `undefined` for none of the log. */
  latestUpTo(position: number): number | undefined {
    return this.#latest.get(position);
  }

  nth(nth: number): StoredEvent | undefined {
    return this.seen[nth % Math.max(this.seen.length, 1)];
  }
}
