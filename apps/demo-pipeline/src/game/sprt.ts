/** What a gate asks: is the candidate `elo1` better (pass) or no better than `elo0` (fail)? */
export interface SprtOptions {
  /** @default 0 */
  readonly elo0?: number;
  /** @default 50 */
  readonly elo1?: number;
  /** Chance to pass what is only `elo0` better. @default 0.05 */
  readonly alpha?: number;
  /** Chance to turn away what is `elo1` better. @default 0.05 */
  readonly beta?: number;
  /** No verdict before this many pairs: the normal approximation needs some. @default 24 */
  readonly minPairs?: number;
  /** No more pairs than this: what is still open then is `inconclusive`. @default 400 */
  readonly maxPairs?: number;
}

/** `inconclusive` is a verdict of its own: the cap was reached. It does not promote. */
export type SprtVerdict = "running" | "passed" | "failed" | "inconclusive";

/** Expected score (0..1) of a player `elo` points stronger. */
export function expectedScore(elo: number): number {
  return 1 / (1 + 10 ** (-elo / 400));
}

/**
 * Wald's sequential probability ratio test on colour-swapped pairs, in the normal approximation:
 * with n pairs, mean m and variance v, `LLR = n (s1 - s0)(2m - s0 - s1) / (2v)`. It stops as soon as
 * the evidence suffices, about four times sooner than a fixed number of games. Its estimate at the
 * stopping time is biased towards the verdict: never report it as Elo gained.
 *
 * @example
 * const gate = new Sprt();
 * while (gate.verdict === "running") gate.add(match.playPair());
 * gate.verdict; // "passed", "failed" or "inconclusive"
 */
export class Sprt {
  /** Crossing this passes (2.944 by default). */
  readonly upperBound: number;
  /** Crossing this fails (-2.944 by default). */
  readonly lowerBound: number;
  readonly #score0: number;
  readonly #score1: number;
  readonly #minPairs: number;
  readonly #maxPairs: number;
  #pairs = 0;
  #sum = 0;
  #sumOfSquares = 0;

  constructor(options: SprtOptions = {}) {
    const alpha = options.alpha ?? 0.05;
    const beta = options.beta ?? 0.05;
    this.upperBound = Math.log((1 - beta) / alpha);
    this.lowerBound = Math.log(beta / (1 - alpha));
    this.#score0 = expectedScore(options.elo0 ?? 0);
    this.#score1 = expectedScore(options.elo1 ?? 50);
    this.#minPairs = options.minPairs ?? 24;
    this.#maxPairs = options.maxPairs ?? 400;
  }

  /** Count a pair of which the candidate won 0, 1 or 2 games. */
  add(won: 0 | 1 | 2): void {
    const score = won / 2;
    this.#pairs++;
    this.#sum += score;
    this.#sumOfSquares += score * score;
  }

  /** Pairs so far. */
  get pairs(): number {
    return this.#pairs;
  }

  /** The candidate's mean score, 0..1 (0.5 before the first pair). */
  get score(): number {
    return this.#pairs === 0 ? 0.5 : this.#sum / this.#pairs;
  }

  /** The log likelihood ratio: towards the upper bound is better than `elo1`. */
  get llr(): number {
    if (this.#pairs === 0) return 0;
    const mean = this.score;
    // A run of equal results has no variance of its own; the floor keeps the ratio finite.
    const variance = Math.max(this.#sumOfSquares / this.#pairs - mean * mean, 0.25 / this.#pairs);
    const [s0, s1] = [this.#score0, this.#score1];
    return (this.#pairs * (s1 - s0) * (2 * mean - s0 - s1)) / (2 * variance);
  }

  /** Where the test stands. */
  get verdict(): SprtVerdict {
    if (this.#pairs >= this.#minPairs) {
      if (this.llr >= this.upperBound) return "passed";
      if (this.llr <= this.lowerBound) return "failed";
    }
    return this.#pairs >= this.#maxPairs ? "inconclusive" : "running";
  }
}
