import { expect, test } from "vitest";
import { generate } from "../src/scenario/generate.ts";
import { kindsOf, tryScenario } from "../src/search/try-scenario.ts";

/** CI sets it to 5000. */
const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 200);

test(`${SEEDS} seeds hold`, { timeout: 600_000 }, async () => {
  const broken: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const kinds = kindsOf(await tryScenario(generate(seed, [])));
    if (kinds.length > 0)
      broken.push(`pnpm simulate --seed ${seed} --shrink # ${kinds.join("; ")}`);
  }
  expect(broken).toEqual([]);
});
