import { startTimer } from "../host/timer.ts";

/** How a wait for running handlers ended. */
export interface DrainResult {
  readonly drained: boolean;
  /** Deliveries still running. */
  readonly left: number;
}

/** Counts the deliveries that are running, and lets others wait for the last. */
export class InFlight {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    for (const resume of this.#waiting) resume();
  }

  /** Counts until a promise has settled. The promise must not reject. */
  track(work: Promise<unknown>): void {
    this.begin();
    void work.then(() => this.end());
  }

  async drain(timeoutMs: number | undefined): Promise<DrainResult> {
    if (this.#count > 0) {
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          stop?.();
          this.#waiting.delete(finish);
          resolve();
        };
        const stop = timeoutMs === undefined ? undefined : startTimer(timeoutMs, finish);
        this.#waiting.add(finish);
      });
    }
    return { drained: this.#count === 0, left: this.#count };
  }
}
