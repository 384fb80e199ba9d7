import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figure, spreadText, table, verdictText } from "./runner/table.ts";
import type { ScenarioResult, SuiteResult } from "./runner/results.ts";
import { type SizeResult, sizeText } from "./size.ts";
import { type TypesResult, typesText } from "./type-cost.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The README whose figures come from here. */
export const README: string = join(ROOT, "packages/core-bus/README.md");
/** Everybody's times, which say less than the ratios in {@link README}. */
export const BENCH_README: string = join(ROOT, "bench/README.md");

/** Where `pnpm bench <name>` leaves its figures. */
export function resultsFile(name: string): string {
  return join(ROOT, "bench/results", `${name}.json`);
}

/** The README's text with its figures as they were measured last. */
export function withFigures(text: string): string {
  const blocks: Record<string, string> = {
    bus: busBlock(busResult()),
    size: withCommand(sizeText(read("size") as SizeResult), "size"),
    types: withCommand(typesText(read("types") as TypesResult), "types"),
  };
  let result = text;
  for (const [name, block] of Object.entries(blocks)) result = replaceBlock(result, name, block);
  return result;
}

/** The bench's own README with everybody's times. */
export function withTimes(text: string): string {
  const { scenarios, date } = busResult();
  return replaceBlock(text, "times", `On ${date}:\n\n${timesTable(scenarios)}`);
}

export function updateReadmes(): void {
  writeFileSync(README, withFigures(readFileSync(README, "utf8")));
  writeFileSync(BENCH_README, withTimes(readFileSync(BENCH_README, "utf8")));
}

function busResult(): SuiteResult {
  return read("bus") as SuiteResult;
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

/** The figures of a suite for a README. */
function busBlock(result: SuiteResult): string {
  const { cpu, cores, memoryGib, system } = result.machine;
  const rounds = result.scenarios.flatMap((one) => (one.kind === "time" ? [one.rounds] : []));
  return [
    `Measured on ${result.date} with Node ${result.node} on ${cpu}, ${cores} cores, ${memoryGib} GiB, ` +
      `${system}, by \`${result.command}\`: medians of ${Math.max(...rounds)} rounds, 10 to 90 % of them in ` +
      "brackets. More is faster. The limit is the least possible loop with the same duties.",
    targetsTable(result.scenarios),
  ].join("\n\n");
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
      : scenario.targets.map(({ candidate, grownMib, atMostMib, verdict }) => [
          scenario.title,
          candidate,
          `${grownMib.toFixed(2)} MiB more`,
          `≤ ${atMostMib} MiB`,
          "–",
          verdictText(verdict),
        ]),
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
