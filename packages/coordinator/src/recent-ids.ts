/** Most ids that are remembered. */
const LIMIT = 10_000;

interface UnderWay {
  /** One that comes again may be under way twice. */
  count: number;
  over: PromiseWithResolvers<void> | undefined;
}

/**
 * Ids of the events that queues have brought to a bus: the last so many, oldest forgotten first, and those whose handlers
 * are running.
 */
class SeenIds {
  readonly #seen = new Set<string>();
  readonly #underWay = new Map<string, UnderWay>();

  has(id: string): boolean {
    return this.#seen.has(id) || this.#underWay.has(id);
  }

  /** Resolves when its handlers are done; `undefined` when none is running. */
  underWay(id: string): Promise<void> | undefined {
    const found = this.#underWay.get(id);
    return found && (found.over ??= Promise.withResolvers()).promise;
  }

  add(id: string): void {
    this.#seen.add(id);
    if (this.#seen.size <= LIMIT) return;
    const oldest = this.#seen.values().next();
    if (!oldest.done) this.#seen.delete(oldest.value);
  }

  /** Its handlers start. */
  begin(id: string): void {
    const found = this.#underWay.get(id);
    if (found) found.count += 1;
    else this.#underWay.set(id, { count: 1, over: undefined });
  }

  /** They are done. Only what was acked is remembered: anything else may come again, and must be let through. */
  end(id: string, isAcked: boolean): void {
    if (isAcked) this.add(id);
    const found = this.#underWay.get(id);
    if (!found) return;
    found.count -= 1;
    if (found.count > 0) return;
    this.#underWay.delete(id);
    found.over?.resolve();
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
