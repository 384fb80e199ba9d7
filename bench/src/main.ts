/**
 * `pnpm bench bus [--scenario id] [--rounds n]` runs a suite, and so does `pnpm bench queue [--full]`; a whole run
 * is written to `bench/results/bus.json`. `pnpm bench size [--check]`, `types` and `readme` do what they say;
 * `--check` writes nothing. `pnpm bench queue --against ../other --rounds 15` compares this checkout with another.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compare } from "./pairs/compare.ts";
import { resultsFile, updateReadmes } from "./readme/readmes.ts";
import { runSuite } from "./runner/run-suite.ts";
import { scenarioText } from "./runner/table.ts";
import { heaviestFiles, measureSize, sizeProblems, sizeRows, sizeText } from "./size.ts";
import { suites } from "./suites.ts";
import { measureTypes, typesText } from "./type-cost.ts";

const ROUNDS = 21;
/** Files that are listed by `size`. */
const HEAVIEST = 12;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: "string", multiple: true, short: "s" },
    rounds: { type: "string", short: "r" },
    check: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    against: { type: "string" },
  },
});

const tools: Readonly<Record<string, () => Promise<void>>> = {
  async size() {
    const size = await measureSize();
    for (const row of sizeRows(size)) console.log(`${row[0]}: ${row[1]}, at most ${row[2]}`);
    console.log(sizeText(size));
    for (const [file, bytes] of (await heaviestFiles()).slice(0, HEAVIEST)) {
      console.log(`${String(bytes).padStart(6)} bytes, minified: ${file}`);
    }
    if (!values.check) write("size", size);
    for (const problem of sizeProblems(size)) {
      console.error(problem);
      process.exitCode = 1;
    }
  },
  async types() {
    const result = measureTypes();
    console.log(typesText(result));
    write("types", result);
  },
  async readme() {
    updateReadmes();
  },
};

const [name = ""] = positionals;
const suite = suites[name];
const tool = tools[name];
if (suite) {
  // The processes of the scenarios inherit it.
  if (values.full) process.env["RINGRIFT_BENCH_FULL"] = "1";
  const chosen = await suite();
  const rounds = Number(values.rounds ?? chosen.rounds ?? ROUNDS);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds is "${values.rounds}". Give a whole number from 1.`);
  }
  if (values.against !== undefined) {
    const { against, scenario: ids } = values;
    const onResult = console.log;
    await compare(chosen, { against: resolve(against), ids, sittings: rounds, onResult });
    process.exit();
  }
  const result = await runSuite(chosen, {
    ids: values.scenario,
    rounds,
    onResult: (one) => console.log(`${scenarioText(one)}\n`),
  });
  // A part of a suite would replace the whole one's figures.
  if (!values.scenario) write(name, result);
} else if (tool) {
  await tool();
} else {
  const known = [...Object.keys(suites), ...Object.keys(tools)].join(", ");
  console.error(`There is no bench "${name}". There are: ${known}.`);
  process.exitCode = 2;
}

function write(name: string, result: unknown): void {
  const file = resultsFile(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
}
