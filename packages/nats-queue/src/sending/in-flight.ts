import { isUnreachable } from "../server/nats-errors.ts";

/** How many messages may be on their way to the server at once: a slow one would answer the last of more too late. */
const MOST = 2_000;

interface Waiting {
  readonly count: number;
  /** On the monotone clock. */
  readonly since: number;
  readonly start: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * Lets so many messages of an instance be under way at once; the others wait their turn, in order. When the server
 * doesn't answer one, those that have waited about as long for their turn fail with it.
 */
export class InFlight {
  #free = MOST;
  #waiting: Waiting[] = [];
  /** How many at the front of `#waiting` have had their turn: thousands may wait, and moving them up costs. */
  #done = 0;

  /**
   * Does something that has so many messages under way, when it is its turn.
   *
   * @param count - at most 2,000
   */
  async run<T>(count: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > this.#done || count > this.#free) {
      await new Promise<void>((start, fail) =>
        this.#waiting.push({ count, since: performance.now(), start, fail }),
      );
    } else {
      this.#free -= count;
    }
    const began = performance.now();
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error && isUnreachable(error)) this.#fail(error, began);
      throw error;
    } finally {
      this.#free += count;
      this.#admit();
    }
  }

  #fail(error: Error, began: number): void {
    // A little less: they came a moment later, and would wait as long again.
    const before = performance.now() - (performance.now() - began) * 0.9;
    for (;;) {
      const next = this.#waiting[this.#done];
      if (next === undefined || next.since > before) return;
      this.#done += 1;
      next.fail(error);
    }
  }

  #admit(): void {
    for (;;) {
      const next = this.#waiting[this.#done];
      if (next === undefined || next.count > this.#free) break;
      this.#done += 1;
      this.#free -= next.count;
      next.start();
    }
    if (this.#done * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#done);
    this.#done = 0;
  }
}
