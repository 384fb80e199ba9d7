import type { EventSpot } from "../backend/migration-backend.ts";
import type { QueueMigration } from "./queue-migration.ts";
import type { StoredEvent } from "../contract/events.ts";

/** An event of one log, and where it is in the other one. */
export interface LogPair {
  readonly event: StoredEvent;
  /** `undefined`: it isn't there. */
  readonly spot: EventSpot;
  /** It comes after all that were found in order before it. */
  readonly isInOrder: boolean;
}

/** How far both logs were read. */
export interface LogMark {
  readonly from: number;
  readonly to: number;
}

const PAGE = 500;

/**
 * Walks along one log, and finds each of its events in another one, which has others in between, and may have some earlier or
 * later that waited for their time. It remembers a page of each.
 */
export class LogPairs {
  readonly #from: QueueMigration;
  readonly #to: QueueMigration;
  /** Position in the first log of the last event that was found. */
  #after: number;
  /** Position in the other log of the last one that was found in order. */
  #toAfter: number;
  #page: StoredEvent[] = [];
  /** Where the events are of a part of the other log, by id. */
  #window = new Map<string, number>();
  #windowEnd: number;

  constructor(from: QueueMigration, to: QueueMigration, mark: LogMark = { from: 0, to: 0 }) {
    this.#from = from;
    this.#to = to;
    this.#after = mark.from;
    this.#toAfter = mark.to;
    this.#windowEnd = mark.to;
  }

  get mark(): LogMark {
    return { from: this.#after, to: this.#toAfter };
  }

  /** The next event; `undefined` at the end of the first log. One that isn't in the other log comes again. */
  async next(): Promise<LogPair | undefined> {
    if (this.#page.length === 0) {
      this.#page = [...(await this.#from.read(this.#after, PAGE)).events].toReversed();
    }
    const event = this.#page.at(-1);
    if (event === undefined) return undefined;
    const spot = await this.#find(event);
    if (spot === undefined) {
      // It may be there the next time.
      this.#page = [];
      return { event, spot, isInOrder: false };
    }
    const isInOrder = typeof spot === "number" && spot > this.#toAfter;
    if (isInOrder) this.#toAfter = spot;
    this.#after = event.position;
    this.#page.pop();
    return { event, spot, isInOrder };
  }

  async #find(event: StoredEvent): Promise<EventSpot> {
    let position = this.#window.get(event.id);
    if (position === undefined && this.#toAfter >= this.#windowEnd) {
      await this.#readOn(this.#toAfter);
      position = this.#window.get(event.id);
    }
    if (position !== undefined) return position;
    const { id, type, key } = event;
    const [spot] = await this.#to.locate([{ id, type, key }]);
    if (typeof spot === "number" && spot > this.#windowEnd) await this.#readOn(spot - 1);
    return spot ?? this.#seek(id);
  }

  /** A log needn't know for ever where each of its ids is. */
  async #seek(id: string): Promise<number | undefined> {
    for (;;) {
      const end = this.#windowEnd;
      await this.#readOn(end);
      const position = this.#window.get(id);
      if (position !== undefined) return position;
      if (this.#windowEnd > end) continue;
      this.#window.clear();
      this.#windowEnd = this.#toAfter;
      return undefined;
    }
  }

  async #readOn(after: number): Promise<void> {
    const { events } = await this.#to.read(after, PAGE);
    this.#window = new Map(events.map(({ id, position }) => [id, position]));
    this.#windowEnd = events.at(-1)?.position ?? after;
  }
}
