const FIRST_MS = 50;
const LONGEST_MS = 5_000;

/** Pauses between tries to connect: they grow to 5 s, with jitter, until a try has succeeded. */
export function reconnectDelay(): { readonly delay: () => number; readonly reset: () => void } {
  let tries = 0;
  return {
    delay: () => {
      const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 10));
      tries += 1;
      return Math.round(longest * (0.5 + Math.random() / 2));
    },
    reset: () => {
      tries = 0;
    },
  };
}
