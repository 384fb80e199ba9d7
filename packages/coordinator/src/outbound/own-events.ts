import { Bell } from "@ringrift/event-queue/backend";
import type { BusMark } from "../carrying/bus-marks.ts";

/** Most events to remember whose fate is unknown. */
const MOST_LOST = 10_000;
/** Most events of others to remember that have not come from the queue yet: a mark has room for about twice as many. */
const MOST_AHEAD = 500;

interface Dispatch {
  readonly causationId: string | undefined;
  readonly settled: Promise<void>;
}

/**
 * The events that this bus sends to the queue, as far as the way back needs to know of them: whose handlers here have not
 * settled, and which may have been stored without any handler here.
 */
export class OwnEvents {
  /** Rings when one has settled. Whoever excuses one rings it, too. */
  readonly changed: Bell = new Bell();
  readonly #dispatches = new Map<string, Dispatch>();
  /** Their publish was rejected, and yet they may be in the log: the answer may have been lost. */
  readonly #lost = new Set<string>();
  /** Others have sent them, and handlers here were called by a publish before they came from the queue. */
  readonly #ahead = new Set<string>();
  #lastPosition = 0;

  /**
   * An event is dispatched here until `settled`, which never rejects. A child may be so twice at once, when its parent is
   * delivered again: then until both are over.
   */
  begin(id: string, causationId: string | undefined, settled: Promise<void>): void {
    const other = this.#dispatches.get(id)?.settled;
    const both = other ? Promise.all([other, settled]).then(() => undefined) : settled;
    const dispatch = { causationId, settled: both };
    this.#dispatches.set(id, dispatch);
    void both.then(() => {
      if (this.#dispatches.get(id) === dispatch) this.#dispatches.delete(id);
      this.changed.ring();
    });
  }

  /** The same for one whose end is told by the function that it returns. */
  expect(id: string, causationId: string | undefined): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.begin(id, causationId, promise);
    return resolve;
  }

  /** Resolves when its handlers here have settled; `undefined` when they have, or nothing is known of it. */
  dispatchOf(id: string): Promise<void> | undefined {
    return this.#dispatches.get(id)?.settled;
  }

  /** The event in whose handling this one was published, if it is one of those that are dispatched. */
  causeOf(id: string): string | undefined {
    return this.#dispatches.get(id)?.causationId;
  }

  /** Those whose handlers have not settled. */
  unsettled(): IterableIterator<string> {
    return this.#dispatches.keys();
  }

  /** Resolves when the handlers of all but those that are excused have settled, or the signal aborts. */
  async settled(excuses: (id: string) => boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const seen = this.changed.version;
      if ([...this.#dispatches.keys()].every(excuses)) return;
      // Aborted is what it looks at next.
      await this.changed.wait(seen, { signal }).catch(() => {});
    }
  }

  /** It was rejected, no handler here was called, and it may be stored. */
  lose(id: string): void {
    addTo(this.#lost, id, MOST_LOST);
  }

  /** Whether it turns out that a lost one is stored. Whoever asks first dispatches it. */
  find(id: string): boolean {
    return this.#lost.delete(id);
  }

  isLost(id: string): boolean {
    return this.#lost.has(id);
  }

  /** Another process has sent it, too: handlers here were called before it comes from the queue. Forgotten when it does. */
  goesAhead(id: string): void {
    addTo(this.#ahead, id, MOST_AHEAD);
  }

  /** It has come from the queue. */
  hasCome(id: string): void {
    this.#ahead.delete(id);
  }

  storedAt(position: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, position);
  }

  /** What the next start has to know of this bus. `excuses`: events that count as handled though they have not settled. */
  mark(bus: string, excuses: (id: string) => boolean): BusMark {
    const unsettled = [...this.#dispatches.keys()].filter((id) => !excuses(id));
    const except = [...unsettled, ...this.#lost];
    return { bus, upTo: this.#lastPosition, except, also: [...this.#ahead] };
  }
}

/** Forgets the oldest one when there are more than `most`. */
function addTo(ids: Set<string>, id: string, most: number): void {
  ids.add(id);
  if (ids.size <= most) return;
  const oldest = ids.values().next();
  if (!oldest.done) ids.delete(oldest.value);
}
