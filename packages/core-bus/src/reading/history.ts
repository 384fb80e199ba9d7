import type { PublishedEvent } from "../contract/event.ts";

/** `false` for none, or how many of the newest events are kept. */
export type HistoryOption = false | number | { readonly size: number };

/** The newest events of a bus, in a ring: a push costs the same whatever is in it. */
export class History {
  readonly capacity: number;
  #ring: PublishedEvent[] = [];
  /** Where the next event goes: behind the newest, or in place of the oldest once the ring is full. */
  #next = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#ring.length;
  }

  /** Only where there is a capacity. */
  push(event: PublishedEvent): void {
    const place = this.#next;
    this.#ring[place] = event;
    this.#next = place + 1 === this.capacity ? 0 : place + 1;
  }

  /**
   * Puts an event of the past in its place by time. False when it is there already, or older than
   * all of a full history. Costs as much as the history is long.
   */
  insert(event: PublishedEvent): boolean {
    const events = this.matching(() => true);
    if (events.some((known) => known.id === event.id)) return false;
    const later = events.findIndex((known) => known.time > event.time);
    events.splice(later === -1 ? events.length : later, 0, event);
    const kept = events.slice(Math.max(0, events.length - this.capacity));
    this.#ring = kept;
    this.#next = kept.length < this.capacity ? kept.length : 0;
    return kept.includes(event);
  }

  /** A copy of the events for which `wanted` is true, oldest first. */
  matching(wanted: (event: PublishedEvent) => boolean): PublishedEvent[] {
    return this.newest(wanted, Infinity).toReversed();
  }

  /** The newest `limit` events for which `wanted` is true, newest first. */
  newest(wanted: (event: PublishedEvent) => boolean, limit: number): PublishedEvent[] {
    const found: PublishedEvent[] = [];
    const { length } = this.#ring;
    const start = length < this.capacity ? 0 : this.#next;
    for (let index = length - 1; index >= 0 && found.length < limit; index -= 1) {
      const event = this.#ring[(start + index) % length]!;
      if (wanted(event)) found.push(event);
    }
    return found;
  }
}
