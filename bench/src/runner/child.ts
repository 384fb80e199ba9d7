/** One scenario in a process of its own: the code of others has warmed up nothing, and left no garbage. */
import { join } from "node:path";
import { suites } from "../suites.ts";
import { measureFigures } from "./figures.ts";
import { useBus } from "./in-use.ts";
import { measureScenario } from "./measure.ts";
import { measureMemory } from "./memory.ts";
import type { ScenarioResult } from "./results.ts";
import { measureSampled } from "./sampled.ts";
import type { Scenario } from "./scenario.ts";

const [suiteName = "", id = "", rounds = ""] = process.argv.slice(2);
const suite = await suites[suiteName]?.();
const scenario = suite?.scenarios.find((one) => one.id === id);
if (!scenario) throw new Error(`There is no scenario "${id}" in suite "${suiteName}".`);
await useBus(join(import.meta.dirname, "../.."));
process.send!(await measured(scenario));
// What peers keep running must not hold up the next scenario.
process.disconnect();

function measured(chosen: Scenario): Promise<ScenarioResult> {
  const count = Number(rounds);
  if (chosen.kind === "time") return measureScenario(chosen, count);
  if (chosen.kind === "memory") return measureMemory(chosen);
  return chosen.kind === "sampled" ? measureSampled(chosen, count) : measureFigures(chosen, count);
}
