/** One transaction of a sweep goes on for so long: a longer one would hold up other writers, and the event loop. */
const STEP_MS = 8;
const PORTION_MS = 1;
const SMALLEST_PORTION = 5;
const LARGEST_PORTION = 200;

/** How long one transaction may go on. To delete a row takes a few µs, and one of a megabyte a thousand times that. */
export class Budget {
  readonly #until = performance.now() + STEP_MS;
  isSpent = false;

  /** Has rows deleted, or entered, in ever larger portions, until fewer are found than asked for or the time is up. */
  spend(treat: (rows: number) => number, largestPortion: number = LARGEST_PORTION): number {
    let total = 0;
    let rows = SMALLEST_PORTION;
    while (!this.isSpent) {
      const began = performance.now();
      const treated = treat(rows);
      total += treated;
      if (treated < rows) break;
      const now = performance.now();
      this.isSpent = now >= this.#until;
      if (now - began < PORTION_MS) rows = Math.min(rows * 2, largestPortion);
    }
    return total;
  }
}
