import { MoveOrder, type Place } from "./move-order.ts";
import { RecentMap } from "./recent-map.ts";

/** What a table keeps of each key. */
export interface Kept {
  readonly isDone: boolean;
}

interface Slot<Value> {
  readonly value: Value;
  order: MoveOrder<string>;
  place: Place<string>;
}

/** Keys that left and are remembered. */
const MOST_GONE = 10_000;

/**
 * The keys of a tracker, a bounded number. The first to leave is one that is done, else the one that moved
 * longest ago. Keys that left are remembered, also a bounded number.
 */
export class KeyTable<Value extends Kept> {
  readonly #most: number;
  readonly #slots = new Map<string, Slot<Value>>();
  readonly #running = new MoveOrder<string>();
  readonly #done = new MoveOrder<string>();
  readonly #gone = new RecentMap<true>(MOST_GONE);

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** How many of them are done. */
  get done(): number {
    return this.#done.size;
  }

  get(key: string): Value | undefined {
    return this.#slots.get(key)?.value;
  }

  /** In the order in which they were added. */
  entries(): [string, Value][] {
    return Array.from(this.#slots, ([key, { value }]) => [key, value]);
  }

  /** Whether it was here before, and left. */
  hasLeft(key: string): boolean {
    return this.#gone.has(key);
  }

  /** The key that has to leave before another one comes; `undefined` while there is room. */
  get nextToLeave(): string | undefined {
    if (this.#slots.size < this.#most) return undefined;
    return this.#done.first ?? this.#running.first;
  }

  add(key: string, value: Value): void {
    const order = this.#orderOf(value);
    this.#slots.set(key, { value, order, place: order.append(key) });
  }

  /** To be told whenever a key takes a step. */
  moved(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    slot.order.remove(slot.place);
    slot.order = this.#orderOf(slot.value);
    slot.place = slot.order.append(key);
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    slot.order.remove(slot.place);
    this.#slots.delete(key);
    this.#gone.add(key, true);
  }

  #orderOf({ isDone }: Value): MoveOrder<string> {
    return isDone ? this.#done : this.#running;
  }
}
