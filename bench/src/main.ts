/**
 * `pnpm bench bus [--scenario id] [--rounds n]`: runs a suite, prints its tables and, when it ran whole,
 * writes `bench/results/<suite>.json`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runSuite } from "./runner/run-suite.ts";
import { scenarioText } from "./runner/table.ts";
import { suites } from "./suites.ts";

const ROUNDS = 21;
const results = join(import.meta.dirname, "../results");

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: "string", multiple: true, short: "s" },
    rounds: { type: "string", short: "r" },
  },
});
const [name = ""] = positionals;
const load = suites[name];
if (load) {
  const rounds = Number(values.rounds ?? ROUNDS);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds is "${values.rounds}". Give a whole number from 1.`);
  }
  const result = await runSuite(await load(), {
    ids: values.scenario,
    rounds,
    onResult: (one) => console.log(`${scenarioText(one)}\n`),
  });
  if (!values.scenario) {
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  }
} else {
  console.error(`There is no suite "${name}". There are: ${Object.keys(suites).join(", ")}.`);
  process.exitCode = 2;
}
