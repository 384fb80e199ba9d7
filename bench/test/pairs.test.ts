import { describe, expect, it } from "vitest";
import { intervalOf } from "../src/pairs/compare.ts";

describe("the interval of a median", () => {
  it("holds the median of most other samples of the same values", () => {
    let held = 0;
    for (let run = 0; run < 100; run += 1) {
      const values = Array.from({ length: 25 }, () => Math.random());
      const [low, high] = intervalOf(values);
      if (low <= 0.5 && 0.5 <= high) held += 1;
    }
    // 95 of 100 on average; fewer than 80 comes once in a million.
    expect(held).toBeGreaterThanOrEqual(80);
  });

  it("is that one value where all are equal", () => {
    expect(intervalOf([1.5, 1.5, 1.5])).toEqual([1.5, 1.5]);
  });
});
