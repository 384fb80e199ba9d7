import { setImmediate as nextTurn } from "node:timers/promises";

/** How long work may hold the event loop before others get a turn. */
const SLICE_MS = 6;

/**
 * Makes long computation polite: `await pace.breathe()` between its steps lets the event loop run at
 * least every few milliseconds, so that leases are renewed and events pass by while games are played.
 *
 * @param signal ends the computation: `breathe` then rejects with its reason
 */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Give others a turn if the slice is used up; nearly free otherwise. */
  breathe(): Promise<void> | undefined {
    if (performance.now() - this.#since < SLICE_MS) return undefined;
    return this.#pause();
  }

  async #pause(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#since = performance.now();
  }
}
