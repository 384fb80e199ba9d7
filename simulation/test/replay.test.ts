import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generate } from "../src/scenario/generate.ts";
import type { Scenario } from "../src/scenario/scenario.ts";
import { run } from "../src/world/run.ts";

test("a seed gives the same ledger to the last byte, whatever ran before it", async () => {
  const first = new Map<number, string>();
  for (const seed of [1, 2, 3, 4, 5]) {
    first.set(seed, (await run(generate(seed))).toString());
  }
  for (const seed of [4, 1, 5, 3, 2]) {
    expect((await run(generate(seed))).toString()).toBe(first.get(seed));
  }
});

test("a seed gives the same ledger in another process", async () => {
  const main = join(import.meta.dirname, "../src/main.ts");
  const arguments_ = ["--conditions=@ringrift/source", main, "--seed", "3"];
  const told = spawnSync(process.execPath, arguments_, { encoding: "utf8" });
  expect(told.stdout).toContain((await run(generate(3))).toString());
});

test("a scenario that was written down gives the ledger of its seed", async () => {
  const scenario = generate(7);
  const read = JSON.parse(JSON.stringify(scenario)) as Scenario;
  expect((await run(read)).toString()).toBe((await run(scenario)).toString());
});

test("another schedule gives another order of the same steps", async () => {
  const scenario = generate(7);
  const ledgers = new Set<string>();
  for (const schedule of [1, 2, 3]) ledgers.add((await run({ ...scenario, schedule })).toString());
  expect(ledgers.size).toBe(3);
});

test("a run takes no time of the process's own, and leaves its clock alone", async () => {
  const before = Date.now();
  const ledger = await run(generate(3));
  expect(ledger.entries.at(-1)?.at).toBeGreaterThan(30_000);
  expect(Date.now() - before).toBeLessThan(30_000);
});
