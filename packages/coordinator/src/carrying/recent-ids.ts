/** Ids that are remembered at least; twice as many at most. */
const LIMIT = 10_000;

interface UnderWay {
  /** One that comes again may be under way twice. */
  count: number;
  over: PromiseWithResolvers<void> | undefined;
}

/**
 * Ids of the events that queues have brought to a bus: the last 10,000 at least, and those whose handlers are running. They
 * are forgotten a generation at a time: to find the oldest of a map from which many were deleted takes longer than
 * everything else here.
 */
class SeenIds {
  /** Whether a queue will not bring it again: it was acked, or published here. */
  #seen = new Map<string, boolean>();
  #seenBefore = new Map<string, boolean>();
  readonly #underWay = new Map<string, UnderWay>();

  /** Whether it need not be published here when a queue brings it. */
  has(id: string): boolean {
    return this.#isFinal(id) === true || this.#underWay.has(id);
  }

  /** Whether handlers here have been called for it, even if they were cut short. */
  hasHad(id: string): boolean {
    return this.#isFinal(id) !== undefined || this.#underWay.has(id);
  }

  /** Whether its handlers here are done, and need not be called again. */
  isDone(id: string): boolean {
    return this.#isFinal(id) === true && !this.#underWay.has(id);
  }

  /** Resolves when its handlers are done; `undefined` when none is running. */
  underWay(id: string): Promise<void> | undefined {
    const found = this.#underWay.get(id);
    return found && (found.over ??= Promise.withResolvers()).promise;
  }

  add(id: string): void {
    this.#note(id, true);
  }

  #note(id: string, isFinal: boolean): void {
    this.#seen.set(id, isFinal || this.#isFinal(id) === true);
    if (this.#seen.size < LIMIT) return;
    this.#seenBefore = this.#seen;
    this.#seen = new Map();
  }

  #isFinal(id: string): boolean | undefined {
    return this.#seen.get(id) ?? this.#seenBefore.get(id);
  }

  /** Its handlers start. */
  begin(id: string): void {
    const found = this.#underWay.get(id);
    if (found) found.count += 1;
    else this.#underWay.set(id, { count: 1, over: undefined });
  }

  /** They are done. What was not acked may come again, and must be let through; a child that is published is no more due. */
  end(id: string, isAcked: boolean): void {
    this.#note(id, isAcked);
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

/** Notes a child that is published on a bus; `false` when the bus has had it. */
export function takesChild(bus: object, id: string): boolean {
  const known = recentIdsOf(bus);
  if (known.hasHad(id)) return false;
  known.add(id);
  return true;
}
