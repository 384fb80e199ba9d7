/** So long nothing may be answered until nobody waits any longer who is about to end. */
const SILENCE_MS = 2_000;

/** What is asked of the server and not answered yet: a cluster without a majority answers pings, and nothing else. */
export class Unanswered {
  /** When each began, on the monotone clock. */
  readonly #began = new Set<{ readonly at: number }>();
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** Something is asked, and tried again until it is answered; returns what to call when nobody asks it any more. */
  begin(): () => void {
    const one = { at: performance.now() };
    this.#began.add(one);
    return () => this.#began.delete(one);
  }

  /** Something was answered. */
  answered(): void {
    this.#answeredAt = performance.now();
  }

  /** Whether something has been asked for so long, and nothing was answered meanwhile. */
  get isSilent(): boolean {
    const [first] = this.#began;
    if (first === undefined) return false;
    return performance.now() - Math.max(first.at, this.#answeredAt) > SILENCE_MS;
  }
}
