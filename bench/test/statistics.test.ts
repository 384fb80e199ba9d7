import { describe, expect, it } from "vitest";
import { quantile, shuffled, speedRatios, spread } from "../src/runner/statistics.ts";

describe("the statistics", () => {
  it("interpolate quantiles between neighbours, whatever the order of the values", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([30, 10, 20], 0)).toBe(10);
    expect(quantile([30, 10, 20], 1)).toBe(30);
    expect(quantile([7], 0.9)).toBe(7);
    expect(spread([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100])).toEqual({
      median: 50,
      low: 10,
      high: 90,
    });
  });

  it("refuse to take a quantile of nothing", () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it("compare round by round, so that a slow minute of the machine cancels out", () => {
    expect(speedRatios([10, 100], [20, 200])).toEqual([2, 2]);
    expect(() => speedRatios([1], [1, 2])).toThrow(RangeError);
  });

  it("shuffle without loss, and leave the original as it is", () => {
    const values = [1, 2, 3, 4];
    expect(shuffled(values, () => 0)).toEqual([2, 3, 4, 1]);
    expect(values).toEqual([1, 2, 3, 4]);
  });
});
