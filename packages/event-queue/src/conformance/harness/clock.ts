import { vi } from "vitest";

/** Runs a case under a clock that it can set: only the time of day, timers go on by themselves. */
export async function withClock(body: () => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now(), shouldAdvanceTime: false });
  // It goes on by itself as well, from wherever it was set to.
  const ticking = setInterval(() => vi.setSystemTime(Date.now() + TICK_MS), TICK_MS);
  try {
    await body();
  } finally {
    clearInterval(ticking);
    vi.useRealTimers();
  }
}

const TICK_MS = 10;

/** Sets the clock forward, or back. */
export function leap(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}
