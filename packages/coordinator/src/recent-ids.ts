/** The last so many ids: a bounded memory, oldest forgotten first. */
class RecentIds {
  readonly #ids = new Set<string>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= this.#limit) return;
    const oldest = this.#ids.values().next();
    if (!oldest.done) this.#ids.delete(oldest.value);
  }
}

const LIMIT = 10_000;
const memories = new WeakMap<object, RecentIds>();

/**
 * Ids of the events that queues brought to a bus lately. One memory a bus, not a coordinator: where
 * several coordinators feed one bus from different queues, an event arrives by more than one way.
 */
export function recentIdsOf(bus: object): RecentIds {
  let memory = memories.get(bus);
  if (!memory) memories.set(bus, (memory = new RecentIds(LIMIT)));
  return memory;
}
