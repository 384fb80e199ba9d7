/**
 * One of two checkouts that are compared: takes a sample of each of our candidates whenever it is asked. Run by the Node.js
 * of the checkout, and with its modules: `side.ts <bench folder> <suite> <scenario>`.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { useBus } from "../runner/in-use.ts";
import type * as Measure from "../runner/measure.ts";
import type { Sampler, Scenario } from "../runner/scenario.ts";
import type * as Suites from "../suites.ts";

/** By candidate: nanoseconds an operation, or a figure in its unit. */
export type Sample = Readonly<Record<string, number>>;

/** Names of candidates that are ours; a number begins those that are ours at another size. */
const OURS = /^(?:core-bus|stage-events|cross-process-queue|nats-queue|ours|\d)/;

const [bench = "", suiteName = "", id = ""] = process.argv.slice(2);
const load = (file: string): Promise<unknown> => import(pathToFileURL(join(bench, file)).href);
// The casts are safe: the same files of another commit.
const { suites } = (await load("src/suites.ts")) as typeof Suites;
const { measureScenario } = (await load("src/runner/measure.ts")) as typeof Measure;
await useBus(bench);
const suite = await suites[suiteName]?.();
const scenario = suite?.scenarios.find((one) => one.id === id);
const sampler = scenario && (await open(scenario));
process.send!(sampler ? "ready" : "missing");
process.on("message", async (what) => {
  if (what === "sample") process.send!(await sampler?.sample());
  else {
    await sampler?.close();
    process.disconnect();
  }
});

async function open(
  chosen: Scenario,
): Promise<{ sample(): Promise<Sample>; close(): Promise<void> } | undefined> {
  if (chosen.kind === "time") {
    const candidates = chosen.candidates.filter(({ name }) => OURS.test(name));
    const [first] = candidates;
    if (first === undefined) return undefined;
    const ours = { ...chosen, candidates, base: first.name, targets: [] };
    const sample = async (): Promise<Sample> => {
      const result = await measureScenario(ours, 1);
      return Object.fromEntries(result.candidates.map(({ name, ns }) => [name, ns.median]));
    };
    return { sample, close: async () => {} };
  }
  if (chosen.kind === "figures") {
    const sample = async (): Promise<Sample> => {
      const figures = await chosen.measure(1);
      return Object.fromEntries(figures.map(({ name, values }) => [name, values.at(-1)!]));
    };
    return { sample, close: async () => {} };
  }
  if (chosen.kind === "memory") return undefined;
  const opened: { readonly name: string; readonly sampler: Sampler }[] = [];
  for (const one of chosen.candidates) {
    if (one.missing !== undefined || !OURS.test(one.name)) continue;
    opened.push({ name: one.name, sampler: await one.open() });
  }
  return {
    async sample() {
      const sample: Record<string, number> = {};
      for (const { name, sampler: one } of opened) {
        const before = process.cpuUsage();
        sample[name] = await one.sample();
        const { user, system } = process.cpuUsage(before);
        // What others do on the machine is no part of it.
        sample[`${name}, processor time`] = user + system;
      }
      return sample;
    },
    async close() {
      for (const { sampler: one } of opened) await one.close();
    },
  };
}
