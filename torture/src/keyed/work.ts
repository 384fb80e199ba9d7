import type { Random } from "../bridge/random.ts";

/** What a handler has to do with an event. */
export interface Work {
  readonly ms: number;
  /** So many attempts fail. */
  readonly failures: number;
  /** It fails for good until it is redriven. */
  readonly isPoison: boolean;
}

/** Most events are quick, some slow, some fail, and a few are dead letters. */
export function workOf(random: Random, slowMs: number): Work {
  const isPoison = random.chance(0.02);
  return {
    ms: random.chance(0.97) ? random.between(0, 4) : random.between(10, slowMs),
    failures: !isPoison && random.chance(0.05) ? random.between(1, 2) : 0,
    isPoison,
  };
}
