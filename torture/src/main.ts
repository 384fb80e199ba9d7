/**
 * `pnpm torture [name …] [--seconds n] [--seed n] [--queue files|nats] [--fault name] [--all] [--bug name]`
 * tortures the queue with real processes, and real files or a real server, prints what came of it, and exits with 1 if anything did not hold.
 */
import { parseArgs } from "node:util";
import { QUEUES, type Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { isSound, type Verdict } from "./verdict.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", short: "s", default: "60" },
    scenario: { type: "string", multiple: true, default: [] },
    seed: { type: "string" },
    all: { type: "boolean", default: false },
    queue: { type: "string", default: "files" },
    fault: { type: "string", multiple: true, default: [] },
    journals: { type: "string" },
    bug: { type: "string", multiple: true, default: [] },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error(`--seconds is "${values.seconds}". Give a number above 0.`);
const seed = values.seed === undefined ? undefined : Number(values.seed);
if (seed !== undefined && !Number.isSafeInteger(seed)) {
  throw new Error(`--seed is "${values.seed}". Give a whole number, as a run prints it.`);
}
const wanted = [...positionals, ...values.scenario];
for (const name of wanted) {
  if (scenarios.some((scenario) => scenario.name === name)) continue;
  const names = scenarios.map((scenario) => scenario.name).join(", ");
  throw new Error(`There is no scenario "${name}". Choose of ${names}.`);
}
const queue = QUEUES.find((kind) => kind === values.queue);
if (queue === undefined) {
  throw new Error(`--queue is "${values.queue}". Choose of ${QUEUES.join(", ")}.`);
}
for (const { name, queues = ["files"] } of scenarios) {
  if (!wanted.includes(name) || queues.includes(queue)) continue;
  throw new Error(`"${name}" has no --queue ${queue}. Choose of ${queues.join(", ")}.`);
}
const chosen = scenarios.filter(
  ({ name, queues = ["files"] }) =>
    queues.includes(queue) && (wanted.length === 0 || wanted.includes(name)),
);

const weightOf = ({ weight = 1 }: Scenario): number => weight;
const shares = chosen.reduce((sum, scenario) => sum + weightOf(scenario), 0);

let failed = 0;
for (const scenario of chosen) {
  const hindrance = scenario.hindrance?.(queue);
  if (hindrance !== undefined) {
    console.log(`skipped  ${scenario.title}: ${hindrance}`);
    continue;
  }
  const {
    faults,
    verdict,
    problems,
    notes = [],
  } = await scenario.run((seconds * 1000 * weightOf(scenario)) / shares, {
    seed,
    all: values.all,
    bugs: values.bug,
    queue,
    faults: values.fault,
    journals: values.journals,
  });
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
