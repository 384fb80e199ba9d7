import { describe, expect, it } from "vitest";
import { prepare } from "../src/runner/check.ts";
import type { Candidate, TimedScenario } from "../src/runner/scenario.ts";

function scenario(...candidates: Candidate[]): TimedScenario {
  return {
    kind: "time",
    id: "sample",
    title: "Sample",
    operation: "Two deliveries.",
    deliveries: 2,
    base: "right",
    candidates,
    targets: [],
  };
}

/** Delivers so often an operation. */
function delivering(name: string, times: number): Candidate {
  return {
    name,
    make: (tally) => ({
      run(operations) {
        tally.total += operations * times;
      },
    }),
  };
}

describe("the delivery check", () => {
  it("takes candidates that deliver what the operation must cause", async () => {
    const prepared = await prepare(scenario(delivering("right", 2), delivering("as right", 2)));
    expect(prepared.map(({ candidate }) => candidate.name)).toEqual(["right", "as right"]);
  });

  it("fails the scenario when a candidate delivers too little", async () => {
    await expect(prepare(scenario(delivering("right", 2), delivering("lazy", 1)))).rejects.toThrow(
      '"lazy" delivered 600 times in 600 operations, 1200 are right',
    );
  });

  it("fails the scenario when a candidate delivers too much", async () => {
    await expect(prepare(scenario(delivering("eager", 3)))).rejects.toThrow('"eager" delivered');
  });

  it("waits for asynchronous operations before it counts", async () => {
    const slow: Candidate = {
      name: "slow",
      make: (tally) => ({
        async run(operations) {
          await Promise.resolve();
          tally.total += operations * 2;
        },
      }),
    };
    const [prepared] = await prepare(scenario(slow));
    expect(prepared?.awaited).toBe(true);
  });
});
