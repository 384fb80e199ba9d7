import { expect, test } from "vitest";
import type { Outcome, QueueKind, RunOptions } from "../src/scenario.ts";
import { scenarios } from "../src/scenarios.ts";
import { isSound } from "../src/verdict.ts";

/** Enough for a few faults of each kind; `pnpm torture --seconds n` takes longer. */
const MS = 2500;

const all = scenarios.flatMap((scenario) =>
  (scenario.queues ?? ["files"]).map((queue) => ({ scenario, queue })),
);

/**
 * One run of the bridge on NATS in 60 breaks in a way that isn't understood yet: after a kill of the server a node reports
 * that the log has lost its end, and no rule misses an event. Until it is, a break of it has to show twice.
 */
const retriesOf = (name: string, queue: QueueKind): number =>
  name === "bridge" && queue === "nats" ? 1 : 0;

for (const { scenario, queue } of all) {
  const limits = { timeout: 120_000, retry: retriesOf(scenario.name, queue) };
  test(`the queue (${queue}) bears ${scenario.title}`, limits, async (context) => {
    const hindrance = scenario.hindrance?.(queue);
    if (hindrance !== undefined) context.skip(hindrance);
    expectToHold(await scenario.run(MS, { queue }));
  });
}

/** What a server may do to those who work on it: for longer, with another seed each time. */
const longer: readonly { readonly name: string; readonly ms: number; readonly faults?: string }[] =
  [
    { name: "keys", ms: 15_000, faults: "loss" },
    { name: "keys", ms: 15_000, faults: "cluster" },
    { name: "bridge", ms: 10_000 },
  ];

for (const { name, ms, faults } of longer) {
  const what = faults === undefined ? name : `${name}, with ${faults}`;
  test(`the queue (nats) bears ${what}`, { timeout: 180_000 }, async (context) => {
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`There is no scenario "${name}".`);
    const hindrance = scenario.hindrance?.("nats");
    if (hindrance !== undefined) context.skip(hindrance);
    // Not in each run yet: on a loaded machine one run in some ten doesn't come to rest.
    if (process.env["TORTURE_NATS"] === undefined)
      context.skip("it runs where TORTURE_NATS is set");
    const options: RunOptions = {
      queue: "nats",
      ...(faults !== undefined && { faults: [faults] }),
    };
    expectToHold(await scenario.run(ms, options));
  });
}

/** The notes have the seed. */
function expectToHold({ faults, verdict, problems, notes = [] }: Outcome): void {
  expect(problems, notes.join("\n")).toEqual([]);
  expect(faults).toBeGreaterThan(0);
  if (verdict) expect(isSound(verdict), JSON.stringify(verdict)).toBe(true);
}
