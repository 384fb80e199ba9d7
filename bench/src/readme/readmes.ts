import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figure, spreadText, table, verdictText } from "./runner/table.ts";
import type { ScenarioResult, SuiteResult } from "./runner/results.ts";
import { type SizeResult, sizeRows, sizeText } from "./size.ts";
import { type TypesResult, typesText } from "./type-cost.ts";

const ROOT = join(import.meta.dirname, "../..");
const OURS = "cross-process-queue";

/** The READMEs whose figures come from here, with what goes between their markers. */
export const READMES: readonly {
  readonly file: string;
  readonly blocks: Readonly<Record<string, () => string>>;
}[] = [
  {
    file: join(ROOT, "packages/core-bus/README.md"),
    blocks: {
      bus: () => busBlock(read("bus") as SuiteResult),
      size: () => withCommand(sizeText(read("size") as SizeResult), "size"),
      types: () => withCommand(typesText(read("types") as TypesResult), "types"),
    },
  },
  // For contributors: everybody's times and rates, which say less than the ratios, and budgets.
  {
    file: join(ROOT, "bench/README.md"),
    blocks: {
      times: () => timesBlock(read("bus") as SuiteResult),
      rates: () => ratesBlock(read("queue") as SuiteResult),
      budgets: () => table(["core-bus", "weighs", "budget"], sizeRows(read("size") as SizeResult)),
    },
  },
  {
    file: join(ROOT, "packages/cross-process-queue/README.md"),
    blocks: { queue: () => queueBlock(read("queue") as SuiteResult) },
  },
  {
    file: join(ROOT, "packages/nats-queue/README.md"),
    blocks: { nats: () => natsBlock(read("nats") as SuiteResult) },
  },
];

/** Where `pnpm bench <name>` leaves its figures. */
export function resultsFile(name: string): string {
  return join(ROOT, "bench/results", `${name}.json`);
}

/** A README's text with its figures as they were measured last. */
export function withFigures(text: string, blocks: (typeof READMES)[number]["blocks"]): string {
  let result = text;
  for (const [name, block] of Object.entries(blocks)) result = replaceBlock(result, name, block());
  return result;
}

export function updateReadmes(): void {
  for (const { file, blocks } of READMES) {
    writeFileSync(file, withFigures(readFileSync(file, "utf8"), blocks));
  }
}

/**
 * Puts a text between `<!-- bench:name -->` and `<!-- /bench:name -->`.
 *
 * @throws Error when the markers aren't there exactly once
 */
export function replaceBlock(text: string, name: string, block: string): string {
  const begin = `<!-- bench:${name} -->`;
  const end = `<!-- /bench:${name} -->`;
  const [before, inside, ...more] = text.split(begin);
  const [, after, ...evenMore] = inside?.split(end) ?? [];
  if (before === undefined || after === undefined || more.length + evenMore.length > 0) {
    throw new Error(`The README needs "${begin}" and "${end}" once each, in this order.`);
  }
  return `${before}${begin}\n\n${block}\n\n${end}${after}`;
}

function timesBlock({ scenarios, date }: SuiteResult): string {
  return `On ${date}:\n\n${timesTable(scenarios)}`;
}

function ratesBlock({ scenarios, date }: SuiteResult): string {
  return `On ${date}:\n\n${ratesTable(scenarios)}`;
}

/** The figures of the bus for a README. */
function busBlock(result: SuiteResult): string {
  return [
    `${measured(result)} More is faster. The limit is the least possible loop with the same duties.`,
    targetsTable(result.scenarios),
  ].join("\n\n");
}

/** The figures of the queue for a README: targets, and what was not measured. */
function queueBlock(result: SuiteResult): string {
  const notes = result.scenarios.flatMap((one) => (one.kind === "time" ? one.notes : []));
  return [
    `${measured(result)} Each event carries 200 bytes of JSON.`,
    speedTargetsTable(result.scenarios),
    boundsTable(result.scenarios),
    ...notes,
  ].join("\n\n");
}

/** The figures of the queue on NATS for a README. */
function natsBlock(result: SuiteResult): string {
  return [
    `${measured(result)} Each event carries 200 bytes of JSON. The bare client does the same work: ids, the same headers, confirmed publishes and acks.`,
    speedTargetsTable(result.scenarios),
  ].join("\n\n");
}

function measured(result: SuiteResult): string {
  const { cpu, cores, memoryGib, system } = result.machine;
  const rounds = result.scenarios.flatMap((one) => (one.kind === "time" ? [one.rounds] : []));
  return (
    `Measured on ${result.date} with Node ${result.node} on ${cpu}, ${cores} cores, ${memoryGib} GiB, ` +
    `${system}, by \`${result.command}\`: medians of ${Math.max(...rounds)} rounds, 10 to 90 % of them in brackets.`
  );
}

function speedTargetsTable(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario): string[][] =>
    scenario.kind === "time"
      ? scenario.targets.map(({ candidate, base, ratio, atLeast, verdict }) => [
          scenario.title,
          candidate === OURS ? `to ${base}` : `${candidate} to ${base}`,
          `${spreadText(ratio)} ×`,
          `≥ ${figure(atLeast)} ×`,
          verdictText(verdict),
        ])
      : [],
  );
  return table(["scenario", "compared", "speed", "target", ""], rows);
}

function boundsTable(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario): string[][] =>
    scenario.kind === "figures"
      ? scenario.figures.map(({ name, unit, value, atMost, verdict }) => [
          scenario.title,
          name,
          `${spreadText(value)} ${unit}`,
          atMost === undefined ? "–" : `≤ ${atMost} ${unit}`,
          verdict === undefined ? "" : verdictText(verdict),
        ])
      : [],
  );
  return table(["scenario", "figure", "value", "target", ""], rows);
}

function ratesTable(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario) =>
    scenario.kind === "time"
      ? [
          [
            scenario.title,
            scenario.candidates
              .map(({ name, ns }) => `${name} ${figure(1e9 / ns.median)}`)
              .join(", "),
          ],
        ]
      : [],
  );
  return table(["scenario", "a second"], rows);
}

function targetsTable(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario): string[][] =>
    scenario.kind === "time"
      ? scenario.targets.map(({ candidate, base, ratio, atLeast, limit, verdict }) => [
          scenario.title,
          `${candidate} to ${base}`,
          `${spreadText(ratio)} ×`,
          `≥ ${figure(atLeast)} ×`,
          limit ? `${figure(limit.median)} ×` : "–",
          verdictText(verdict),
        ])
      : scenario.kind === "memory"
        ? scenario.targets.map(({ candidate, grownMib, atMostMib, verdict }) => [
            scenario.title,
            candidate,
            `${grownMib.toFixed(2)} MiB more`,
            `≤ ${atMostMib} MiB`,
            "–",
            verdictText(verdict),
          ])
        : [],
  );
  return table(["scenario", "compared", "speed", "target", "limit", ""], rows);
}

function timesTable(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario) =>
    scenario.kind === "time"
      ? [
          [
            scenario.title,
            scenario.candidates.map(({ name, ns }) => `${name} ${figure(ns.median)}`).join(", "),
          ],
        ]
      : [],
  );
  return table(["scenario", "ns"], rows);
}

function withCommand(text: string, name: string): string {
  return `${text} (\`pnpm bench ${name}\`)`;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(resultsFile(name), "utf8")) as unknown;
}
