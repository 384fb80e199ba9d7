/** Most ids that are remembered. */
const LIMIT = 10_000;

/**
 * Ids of the events that queues have brought to a bus: the last so many, oldest forgotten first, and those whose handlers
 * are running.
 */
class SeenIds {
  readonly #seen = new Set<string>();
  /** How often each is under way: one that comes again may be so twice. */
  readonly #underWay = new Map<string, number>();

  has(id: string): boolean {
    return this.#seen.has(id) || this.#underWay.has(id);
  }

  add(id: string): void {
    this.#seen.add(id);
    if (this.#seen.size <= LIMIT) return;
    const oldest = this.#seen.values().next();
    if (!oldest.done) this.#seen.delete(oldest.value);
  }

  /** Its handlers start. */
  begin(id: string): void {
    this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1);
  }

  /** They are done. Only what was acked is remembered: anything else may come again, and must be let through. */
  end(id: string, isAcked: boolean): void {
    const others = (this.#underWay.get(id) ?? 1) - 1;
    if (others > 0) this.#underWay.set(id, others);
    else this.#underWay.delete(id);
    if (isAcked) this.add(id);
  }
}

const memories = new WeakMap<object, SeenIds>();

/**
 * Ids of the events that queues brought to a bus lately. One memory a bus, not a coordinator: where
 * several coordinators feed one bus from different queues, an event arrives by more than one way.
 */
export function recentIdsOf(bus: object): SeenIds {
  let memory = memories.get(bus);
  if (!memory) memories.set(bus, (memory = new SeenIds()));
  return memory;
}
