import type { Bell } from "./bell.ts";

/** What one look gave. */
export interface Taken<T> {
  readonly items: T[];
  /** When nothing was there: look again after so long even if the bell is silent, e.g. a retry is due. */
  readonly retryInMs?: number | undefined;
}

/** How to look, and how long to wait. */
export interface LongPoll<T> {
  readonly bell: Bell;
  /** Looks; it may wait for a first item itself, at most `leftMs`. */
  readonly take: (leftMs: number) => Promise<Taken<T>>;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether the wait keeps the process alive (at most `waitMs`). @default true */
  readonly keepAlive?: boolean | undefined;
}

/**
 * Looks, and looks again whenever the bell rings or something falls due, until something is there or
 * `waitMs` is over; then resolves to an empty array. Rejects with the signal's reason when aborted while
 * nothing is held, and with the bell's when that is closed.
 */
export async function longPoll<T>(poll: LongPoll<T>): Promise<T[]> {
  const { bell, take, waitMs, signal, keepAlive = true } = poll;
  // Monotone: a wait must not stretch when somebody sets the clock.
  const deadline = performance.now() + waitMs;
  for (;;) {
    signal?.throwIfAborted();
    const seen = bell.version;
    const { items, retryInMs } = await take(Math.max(0, deadline - performance.now()));
    if (items.length > 0) return items;
    const left = deadline - performance.now();
    if (left <= 0) return items;
    const timeoutMs = Math.min(left, Math.max(retryInMs ?? Number.POSITIVE_INFINITY, 1));
    await bell.wait(seen, { timeoutMs, signal, keepAlive });
  }
}
