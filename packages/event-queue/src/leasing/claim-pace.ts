/** Claims that may follow one another at once. */
const BURST = 4;
/** After that, a claim in so many ms. */
const EVERY_MS = 1;

/**
 * How soon a member that keeps up may claim again. Where events come faster than one a millisecond, it lets some gather: its
 * claims would take the write lock from those who send them.
 */
export class ClaimPace {
  #left = BURST;
  #countedAt = 0;

  /** A claim is made now; in how many ms the next one should be. */
  claimed(): number {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + (now - this.#countedAt) / EVERY_MS) - 1;
    this.#countedAt = now;
    return this.#left >= 1 ? 0 : EVERY_MS;
  }
}
