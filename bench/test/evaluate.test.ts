import { describe, expect, it } from "vitest";
import { evaluate } from "../src/runner/measure.ts";
import type { Candidate, TimedScenario } from "../src/runner/scenario.ts";
import { scenarioText } from "../src/runner/table.ts";
import { eventemitter2Matcher, wrongAnswersOf } from "../src/bus/wrong-answers.ts";

function candidate(name: string): Candidate {
  return { name, make: () => ({ run() {} }) };
}

const scenario: TimedScenario = {
  kind: "time",
  id: "sample",
  title: "Sample",
  operation: "One operation.",
  deliveries: 1,
  base: "peer",
  candidates: ["peer", "ours", "limit"].map(candidate),
  targets: [
    { candidate: "ours", base: "peer", atLeast: 2 },
    { candidate: "ours", base: "peer", atLeast: 2.5 },
    { candidate: "ours", base: "peer", atLeast: 3 },
  ],
};

describe("the evaluation of a scenario", () => {
  const times = new Map([
    ["peer", [100, 200, 300]],
    ["ours", [50, 100, 150]],
    ["limit", [25, 50, 75]],
  ]);

  it("gives speeds relative to the base, and the limit's next to each target", () => {
    const { candidates, targets } = evaluate(scenario, times, 3);
    expect(candidates.map(({ name, ratio }) => [name, ratio.median])).toEqual([
      ["peer", 1],
      ["ours", 2],
      ["limit", 4],
    ]);
    expect(candidates[1]?.ns.median).toBe(100);
    expect(targets[0]?.limit?.median).toBe(4);
  });

  it("tells a target that is met from one nearly met and one missed", () => {
    const { targets } = evaluate(scenario, times, 3);
    expect(targets.map(({ verdict }) => verdict)).toEqual(["hit", "near", "miss"]);
  });

  it("refuses a target for somebody who wasn't measured", () => {
    const wrong = { ...scenario, base: "nobody" };
    expect(() => evaluate(wrong, times, 3)).toThrow('no candidate "nobody"');
  });

  it("is printed as Markdown tables", () => {
    const text = scenarioText(evaluate(scenario, times, 3));
    expect(text).toContain("### Sample (`sample`)");
    expect(text).toMatch(/\| ours +\| 100 \(60\.0–140\) +\| 2\.00 \(2\.00–2\.00\) +\|/);
    expect(text).toContain("**missed**");
  });
});

describe("the count of wrong answers", () => {
  it("is every match for a matcher that never matches, and none for one that is right", () => {
    const never = wrongAnswersOf(() => () => false);
    const always = wrongAnswersOf(() => () => true);
    expect(never.pairs).toBe(21_080);
    // Each pair is either a match or none: the two simplest matchers share the errors.
    expect(never.wrong + always.wrong).toBe(never.pairs);
    expect(never.wrong).toBeGreaterThan(0);
  });

  it("finds what eventemitter2 gets wrong", () => {
    expect(wrongAnswersOf(eventemitter2Matcher).wrong).toBeGreaterThan(1000);
  });
});
