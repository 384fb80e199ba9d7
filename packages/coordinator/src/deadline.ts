/** A limit for several waits in a row. It holds the process until it is cleared: somebody waits for it. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];

  /** No limit when `timeoutMs` is left out. */
  constructor(timeoutMs: number | undefined) {
    if (timeoutMs !== undefined) this.within(timeoutMs);
  }

  /** Sets one more limit; the one that is over first counts. */
  within(timeoutMs: number): void {
    this.#timers.push(setTimeout(() => this.#controller.abort(), timeoutMs));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** Resolves when all of them have settled, or the signal aborts; never rejects. */
export async function settledOrAborted(
  pending: Iterable<Promise<unknown>>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  signal?.addEventListener("abort", end, { once: true });
  await Promise.race([Promise.allSettled(pending), promise]);
  signal?.removeEventListener("abort", end);
}
