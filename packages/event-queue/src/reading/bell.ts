/** How to wait for a {@link Bell}. */
export interface BellWait {
  /** Longest wait; then it resolves all the same. @default no limit */
  readonly timeoutMs?: number | undefined;
  /** Rejects with its reason when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the wait keeps the process alive. Only a wait with a limit can. @default false */
  readonly keepAlive?: boolean | undefined;
}

/** Longest delay of a Node timer. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Wakes whoever waits for new events in this instance. It has a count, so that a ring between looking and
 * waiting is not missed: read `version`, look, then wait for a version after that.
 *
 * @example
 * const seen = bell.version;
 * const events = await look();
 * if (events.length === 0) await bell.wait(seen, { timeoutMs: 1000 });
 */
export class Bell {
  #version = 0;
  #closed: Error | undefined;
  readonly #waiters = new Set<() => void>();

  /** How often it has rung. */
  get version(): number {
    return this.#version;
  }

  /** Wakes everybody. */
  ring(): void {
    this.#version += 1;
    for (const wake of this.#waiters) wake();
  }

  /** Rejects every wait, and those to come, with `reason`. Idempotent. */
  close(reason: Error): void {
    this.#closed ??= reason;
    this.ring();
  }

  /** Resolves when it has rung since `seen`, or when the time is up. */
  wait(seen: number, options: BellWait = {}): Promise<void> {
    const { timeoutMs, signal, keepAlive = false } = options;
    return new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(settle);
        signal?.removeEventListener("abort", settle);
        if (this.#closed !== undefined) reject(this.#closed);
        else if (signal?.aborted === true) reject(reasonOf(signal));
        else resolve();
      };
      if (this.#version !== seen || this.#closed !== undefined || signal?.aborted === true) {
        settle();
        return;
      }
      if (timeoutMs !== undefined && Number.isFinite(timeoutMs)) {
        timer = setTimeout(settle, Math.min(Math.max(timeoutMs, 0), LONGEST_TIMER_MS));
        if (!keepAlive) timer.unref();
      }
      this.#waiters.add(settle);
      signal?.addEventListener("abort", settle, { once: true });
    });
  }
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error("Aborted", { cause: reason });
}
