import { expect, test } from "vitest";
import { scenarios } from "../src/scenarios.ts";
import { isSound } from "../src/verdict.ts";

/** Enough for a few faults of each kind; `pnpm torture --seconds n` takes longer. */
const MS = 2500;

const all = scenarios.flatMap((scenario) =>
  (scenario.queues ?? ["files"]).map((queue) => ({ scenario, queue })),
);

for (const { scenario, queue } of all) {
  test(`the queue (${queue}) bears ${scenario.title}`, { timeout: 120_000 }, async (context) => {
    const hindrance = scenario.hindrance?.(queue);
    if (hindrance !== undefined) context.skip(hindrance);
    const { faults, verdict, problems } = await scenario.run(MS, { queue });
    expect(problems).toEqual([]);
    expect(faults).toBeGreaterThan(0);
    if (verdict) expect(isSound(verdict), JSON.stringify(verdict)).toBe(true);
  });
}
