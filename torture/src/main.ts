/**
 * `pnpm torture [--seconds n] [--scenario name]` tortures the queue with real processes and real files,
 * prints what came of it, and exits with 1 if anything did not hold.
 */
import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { isSound, type Verdict } from "./verdict.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", short: "s", default: "60" },
    scenario: { type: "string", multiple: true },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error(`--seconds is "${values.seconds}". Give a number above 0.`);
const chosen = scenarios.filter(({ name }) => values.scenario?.includes(name) ?? true);
if (chosen.length === 0) {
  throw new Error(
    `There is no such scenario. Choose of ${scenarios.map(({ name }) => name).join(", ")}.`,
  );
}

const weightOf = ({ weight = 1 }: Scenario): number => weight;
const shares = chosen.reduce((sum, scenario) => sum + weightOf(scenario), 0);

let failed = 0;
for (const scenario of chosen) {
  const hindrance = scenario.hindrance?.();
  if (hindrance !== undefined) {
    console.log(`skipped  ${scenario.title}: ${hindrance}`);
    continue;
  }
  const {
    faults,
    verdict,
    problems,
    notes = [],
  } = await scenario.run((seconds * 1000 * weightOf(scenario)) / shares);
  const isWell = problems.length === 0 && (verdict === undefined || isSound(verdict));
  if (!isWell) failed += 1;
  console.log(`${isWell ? "held   " : "BROKEN "}  ${scenario.title}: ${faults} times`);
  if (verdict) console.log(`         ${describe(verdict)}`);
  for (const line of [...notes, ...problems]) console.log(`         ${line}`);
}
process.exitCode = failed === 0 ? 0 : 1;

function describe({
  published,
  acknowledged,
  handled,
  redelivered,
  refused,
  faults,
}: Verdict): string {
  const found = Object.entries(faults).map(
    ([what, ids]) => `${ids.length} ${what.replaceAll("_", " ")}`,
  );
  const refusals = Object.entries(refused).map(([code, count]) => `${count} × ${code}`);
  return [
    `${published} attempted, ${acknowledged} acknowledged, ${handled} handled, ${redelivered} redelivered`,
    `refused: ${refusals.join(", ") || "none"}`,
    found.join(", "),
  ].join("; ");
}
