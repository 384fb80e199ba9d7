/** What is leased ahead should be begun after so long at most. */
const AHEAD_MS = 5;
const MOST = 64;
/** Of what the last handler took, in what they take on average. */
const WEIGHT = 0.25;

/**
 * How many events a member leases beyond those it can begin at once: as many as its handlers finish within 5 ms going
 * by how quick they were, at most 64. It begins with none and at most doubles from claim to claim, so that a member
 * whose process ends again and again holds few; a failure, and a handler that is slow, take it back to none.
 */
export class LeaseAhead {
  readonly #concurrency: number;
  #meanMs = AHEAD_MS;
  #last = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** A handler has done its event in so many ms. */
  handled(ms: number): void {
    this.#meanMs = ms >= AHEAD_MS ? ms : this.#meanMs + (ms - this.#meanMs) * WEIGHT;
  }

  /** A handler has failed, or what was leased ahead was in vain. */
  reset(): void {
    this.#meanMs = AHEAD_MS;
    this.#last = 0;
  }

  /** How many to lease with the next claim. */
  next(): number {
    const finished = Math.floor((AHEAD_MS / Math.max(this.#meanMs, 1e-3)) * this.#concurrency);
    this.#last = this.#meanMs >= AHEAD_MS ? 0 : Math.min(finished, 2 * this.#last + 1, MOST);
    return this.#last;
  }
}
