import { expect, test } from "vitest";
import { scenarios } from "../src/scenarios.ts";
import { isSound } from "../src/verdict.ts";

/** Enough for a few faults of each kind; `pnpm torture --seconds n` takes longer. */
const MS = 2500;

for (const scenario of scenarios) {
  test(`the queue bears ${scenario.title}`, { timeout: 120_000 }, async (context) => {
    const hindrance = scenario.hindrance?.();
    if (hindrance !== undefined) context.skip(hindrance);
    const { faults, verdict, problems } = await scenario.run(MS);
    expect(problems).toEqual([]);
    expect(faults).toBeGreaterThan(0);
    if (verdict) expect(isSound(verdict), JSON.stringify(verdict)).toBe(true);
  });
}
