/** How many messages may be on their way to the server at once: a slow one would answer the last of more too late. */
const MOST = 2_000;

/** Lets so many messages of an instance be under way at once; the others wait their turn, in order. */
export class InFlight {
  #free = MOST;
  readonly #waiting: { readonly count: number; readonly start: () => void }[] = [];

  /**
   * Does something that has so many messages under way, when it is its turn.
   *
   * @param count - at most 2,000
   */
  async run<T>(count: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || count > this.#free) {
      await new Promise<void>((start) => this.#waiting.push({ count, start }));
    } else {
      this.#free -= count;
    }
    try {
      return await work();
    } finally {
      this.#free += count;
      this.#admit();
    }
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || next.count > this.#free) return;
      this.#waiting.shift();
      this.#free -= next.count;
      next.start();
    }
  }
}
