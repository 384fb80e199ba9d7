import { describe, expect, it } from "vitest";
import { intervalOf } from "../src/pairs/compare.ts";

/** Numbers from 0 to 1 that look random and are the same each time: a linear congruence (Park and Miller, 1988). */
function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe("the interval of a median", () => {
  it("holds the median of most other samples of the same values", () => {
    const [draws, resamples] = [repeatable(42), repeatable(4711)];
    let held = 0;
    for (let run = 0; run < 100; run += 1) {
      const values = Array.from({ length: 25 }, draws);
      const [low, high] = intervalOf(values, resamples);
      if (low <= 0.5 && 0.5 <= high) held += 1;
    }
    expect(held).toBeGreaterThanOrEqual(90);
  });

  it("is that one value where all are equal", () => {
    expect(intervalOf([1.5, 1.5, 1.5])).toEqual([1.5, 1.5]);
  });
});
