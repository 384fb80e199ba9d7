/**
 * `pnpm simulate` runs seeds, prints what the rules say of them, and exits with 1 if that is anything.
 *
 *     pnpm simulate --seeds 1-1000          many seeds
 *     pnpm simulate --seed 42 --shrink      one: the smallest scenario that fails in the same way, and its ledger
 *     pnpm simulate --scenario file.json    one that was written down, exactly
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeScenario } from "./scenario/describe.ts";
import { generate } from "./scenario/generate.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { shrink } from "./search/shrink.ts";
import { kindsOf, tryScenario, type Verdict } from "./search/try-scenario.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1-200" },
    scenario: { type: "string" },
    shrink: { type: "boolean", default: false },
    kind: { type: "string" },
    out: { type: "string" },
    quiet: { type: "boolean", default: false },
  },
});

if (values.scenario !== undefined) {
  await one(JSON.parse(readFileSync(values.scenario, "utf8")) as Scenario);
} else if (values.seed !== undefined) await one(generate(readCount(values.seed)));
else await many(values.seeds);

async function one(scenario: Scenario): Promise<void> {
  let verdict = await tryScenario(scenario);
  const kinds = kindsOf(verdict).filter((kind) => kind.includes(values.kind ?? ""));
  if (values.shrink && kinds.length > 0) {
    verdict = await shrink(verdict, (other) => kindsOf(other).some((kind) => kinds.includes(kind)));
  }
  console.log(describeScenario(verdict.scenario));
  if (!values.quiet) console.log(`\n${verdict.ledger.toString()}`);
  tell(verdict);
  if (values.out === undefined) return;
  writeFileSync(values.out, JSON.stringify(verdict.scenario, undefined, 2));
  console.log(`\nAgain: pnpm simulate --scenario ${values.out}`);
}

function tell({ ledger, complaints }: Verdict): void {
  for (const { kind, message, lines } of complaints) {
    console.log(`\nBROKEN   ${kind}\n         ${message}`);
    for (const index of lines) console.log(`         ${ledger.line(index)}`);
  }
  if (complaints.length === 0) console.log("\nheld");
  else process.exitCode = 1;
}

async function many(range: string): Promise<void> {
  const [from = 1, to = from] = range.split("-").map(readCount);
  const found = new Map<string, number[]>();
  const begin = performance.now();
  for (let seed = from; seed <= to; seed += 1) {
    for (const kind of kindsOf(await tryScenario(generate(seed)))) {
      found.set(kind, [...(found.get(kind) ?? []), seed]);
    }
  }
  const rows = [...found].toSorted(([, one], [, other]) => other.length - one.length);
  for (const [kind, seeds] of rows) {
    console.log(
      `${String(seeds.length).padStart(5)}  ${kind}: seed ${seeds.slice(0, 5).join(", ")}`,
    );
  }
  const count = to - from + 1;
  const each = ((performance.now() - begin) / count).toFixed(1);
  console.log(`${count} seeds, ${each} ms each: ${rows.length === 0 ? "held" : "BROKEN"}`);
  if (rows.length > 0) process.exitCode = 1;
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0) return count;
  throw new Error(`"${text}" is no seed. Give a whole number from 0.`);
}
