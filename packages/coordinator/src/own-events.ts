import { Bell } from "@ringrift/event-queue/backend";
import type { BusMark } from "./bus-marks.ts";

/** Most events to remember whose fate is unknown. */
const MOST_LOST = 10_000;

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
  #lastPosition = 0;

  /** An event is dispatched here until `settled`, which never rejects. */
  begin(id: string, causationId: string | undefined, settled: Promise<void>): void {
    const dispatch = { causationId, settled };
    this.#dispatches.set(id, dispatch);
    void settled.then(() => {
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
    this.#lost.add(id);
    if (this.#lost.size <= MOST_LOST) return;
    const oldest = this.#lost.values().next();
    if (!oldest.done) this.#lost.delete(oldest.value);
  }

  /** Whether it turns out that a lost one is stored. Whoever asks first dispatches it. */
  find(id: string): boolean {
    return this.#lost.delete(id);
  }

  isLost(id: string): boolean {
    return this.#lost.has(id);
  }

  storedAt(position: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, position);
  }

  /** What the next start has to know of this bus. `excuses`: events that count as handled though they have not settled. */
  mark(bus: string, excuses: (id: string) => boolean): BusMark {
    const unsettled = [...this.#dispatches.keys()].filter((id) => !excuses(id));
    return { bus, upTo: this.#lastPosition, except: [...unsettled, ...this.#lost] };
  }
}
