/** One scenario in a process of its own: the code of others has warmed up nothing, and left no garbage. */
import { suites } from "../suites.ts";
import { measureScenario } from "./measure.ts";
import { measureMemory } from "./memory.ts";

const [suiteName = "", id = "", rounds = ""] = process.argv.slice(2);
const suite = await suites[suiteName]?.();
const scenario = suite?.scenarios.find((one) => one.id === id);
if (!scenario) throw new Error(`There is no scenario "${id}" in suite "${suiteName}".`);
const result =
  scenario.kind === "time"
    ? await measureScenario(scenario, Number(rounds))
    : await measureMemory(scenario);
process.send!(result);
// What peers keep running must not hold up the next scenario.
process.disconnect();
