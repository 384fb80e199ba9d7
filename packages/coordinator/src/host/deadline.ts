const LONGEST_TIMER_MS = 2_147_483_647;

/** A limit for several waits in a row. It holds the process until it is cleared: somebody waits for it. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #at = Number.POSITIVE_INFINITY;

  /** No limit when `timeoutMs` is left out. */
  constructor(timeoutMs: number | undefined) {
    if (timeoutMs !== undefined) this.within(timeoutMs);
  }

  /** Sets one more limit; the one that is over first counts. */
  within(timeoutMs: number): void {
    this.#at = Math.min(this.#at, performance.now() + timeoutMs);
    const ms = Math.min(timeoutMs, LONGEST_TIMER_MS);
    this.#timers.push(setTimeout(() => this.#controller.abort(), ms));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is left of it; `undefined` without a limit. */
  get leftMs(): number | undefined {
    if (this.#at === Number.POSITIVE_INFINITY) return undefined;
    return Math.min(LONGEST_TIMER_MS, Math.max(0, this.#at - performance.now()));
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** What it takes to put down what was left when a limit was over; a queue that hangs gets no more. */
const GRACE_MS = 100;

/**
 * Resolves to `work`, or soon after the limit to what was left then; `work` goes on in that case. `cutShort`
 * is called at the limit, and what it returns when the grace is over too.
 */
export async function within<T>(
  deadline: Deadline,
  work: Promise<T>,
  cutShort: () => () => T,
): Promise<T> {
  const { signal } = deadline;
  const { promise, resolve } = Promise.withResolvers<T>();
  let grace: NodeJS.Timeout | undefined;
  const end = (): void => {
    const left = cutShort();
    grace = setTimeout(() => resolve(left()), GRACE_MS);
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(grace);
    signal.removeEventListener("abort", end);
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
