import { expect, test } from "vitest";
import { generate } from "../src/scenario/generate.ts";
import { shrink } from "../src/search/shrink.ts";
import { tryScenario, type Verdict } from "../src/search/try-scenario.ts";

/** Stands for a failure: some process crashes after it had started. */
function hasCrashed({ ledger }: Verdict): boolean {
  const lives = new Set(ledger.of("started").map(({ node, life }) => `${node}#${life}`));
  return ledger.of("crash").some(({ node, life }) => lives.has(`${node}#${life}`));
}

async function firstThatCrashed(): Promise<Verdict> {
  for (let seed = 1; ; seed += 1) {
    const verdict = await tryScenario(generate(seed));
    if (hasCrashed(verdict) && verdict.scenario.nodes.length > 1) return verdict;
  }
}

test("what fails is shrunk to what it takes to fail in the same way", async () => {
  const { scenario } = await shrink(await firstThatCrashed(), hasCrashed);
  expect(scenario.nodes).toHaveLength(1);
  expect(scenario.steps.map((step) => step.do)).toEqual(["start", "crash"]);
  expect([scenario.subscribers, scenario.work]).toEqual([[], []]);
});
