import { describe, expect, it } from "vitest";
import { Random, Sprt, expectedScore } from "../src/game/index.ts";
import type { SprtOptions } from "../src/game/index.ts";

/** Many gates against a candidate of known strength: the share that passed, and mean pairs. */
function simulate(
  elo: number,
  options: SprtOptions,
  runs = 2000,
): { passed: number; inconclusive: number; pairs: number } {
  const random = new Random(`sprt/${elo}`);
  const win = expectedScore(elo);
  let passed = 0;
  let inconclusive = 0;
  let pairs = 0;
  for (let run = 0; run < runs; run++) {
    const gate = new Sprt(options);
    while (gate.verdict === "running") {
      const games = (random.unit() < win ? 1 : 0) + (random.unit() < win ? 1 : 0);
      gate.add(games as 0 | 1 | 2);
    }
    if (gate.verdict === "passed") passed++;
    if (gate.verdict === "inconclusive") inconclusive++;
    pairs += gate.pairs;
  }
  return { passed: passed / runs, inconclusive: inconclusive / runs, pairs: pairs / runs };
}

const unbounded = { maxPairs: 100_000 };

describe("the gate", () => {
  it("has the error rates it was asked for", () => {
    const worse = simulate(0, unbounded).passed;
    const better = simulate(50, unbounded).passed;
    expect(worse).toBeGreaterThan(0.03);
    expect(worse).toBeLessThan(0.07);
    expect(better).toBeGreaterThan(0.93);
    expect(better).toBeLessThan(0.97);
  });

  it("is undecided about a candidate in the middle, as often one way as the other", () => {
    const { passed } = simulate(25, unbounded);
    expect(passed).toBeGreaterThan(0.46);
    expect(passed).toBeLessThan(0.54);
  });

  it("takes about as many pairs as Wald's formula says", () => {
    // E[n] = ((1 - β) A + β B) / E[z], with z the LLR a pair adds and v = p (1 - p) / 2.
    const step = expectedScore(50) - expectedScore(0);
    const wald = (0.9 * Math.log(19)) / (step ** 2 / (2 * 0.1225));
    expect(simulate(50, unbounded).pairs / wald).toBeGreaterThan(0.9);
    expect(simulate(50, unbounded).pairs / wald).toBeLessThan(1.15);
  });

  it("is hard on a regression and quick with a great leap", () => {
    expect(simulate(-35, {}).passed).toBeLessThan(0.01);
    const leap = simulate(200, {});
    expect(leap.passed).toBeGreaterThan(0.99);
    expect(leap.pairs).toBeLessThan(60);
  });

  it("gives no verdict before 24 pairs, however clear they are", () => {
    const gate = new Sprt();
    for (let i = 0; i < 23; i++) gate.add(2);
    expect(gate.llr).toBeGreaterThan(gate.upperBound);
    expect(gate.verdict).toBe("running");
    gate.add(2);
    expect(gate.verdict).toBe("passed");
  });

  it("stops at its cap as inconclusive, which is not a pass", () => {
    const gate = new Sprt({ maxPairs: 30 });
    for (let i = 0; i < 30; i++) gate.add(i % 2 === 0 ? 2 : 0);
    expect(gate.verdict).toBe("inconclusive");
    expect(simulate(25, { maxPairs: 40 }).inconclusive).toBeGreaterThan(0.5);
  });

  it("has bounds of ±2.944 at 5 % errors", () => {
    const gate = new Sprt();
    expect(gate.upperBound).toBeCloseTo(2.944, 3);
    expect(gate.lowerBound).toBeCloseTo(-2.944, 3);
  });
});
