const SHORTEST_MS = 50;
const LONGEST_MS = 5_000;

/**
 * Pauses between tries to connect: half as long as it has been tried already, at most 5 s, with jitter. By time, since
 * a try may take a moment or seconds.
 */
export function reconnectDelay(now: () => number = () => performance.now()): {
  readonly delay: () => number;
  /** It is connected: the next pauses are short again. */
  readonly reset: () => void;
} {
  let since: number | undefined;
  return {
    delay: () => {
      since ??= now();
      const longest = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (now() - since) / 2));
      return Math.round(longest * (0.5 + Math.random() / 2));
    },
    reset: () => {
      since = undefined;
    },
  };
}
