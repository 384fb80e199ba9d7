/** The tables of bench/README.md: every target, how far it was reached, and what to try where it was missed. */
import type { ScenarioResult, SuiteResult, Verdict } from "../runner/results.ts";
import { figure, spreadText, table, verdictText } from "../runner/table.ts";
import { type SizeResult, sizeRows } from "../size.ts";
import { type TypesResult, typesText } from "../type-cost.ts";
import { nextIdea } from "./next-ideas.ts";

export function ofBus(result: SuiteResult): string {
  return [
    `${measured(result)} More is faster. The limit is the least possible loop with the same duties.`,
    targetsTable(result.scenarios, { withLimit: true }),
    ...missed(result.scenarios),
  ].join("\n\n");
}

export function ofQueue(result: SuiteResult): string {
  const notes = result.scenarios.flatMap((one) => (one.kind === "time" ? one.notes : []));
  return [
    `${measured(result)} Each event carries 200 bytes of JSON.`,
    targetsTable(result.scenarios, { withLimit: false }),
    boundsTable(result.scenarios),
    ...missed(result.scenarios),
    ...notes,
  ].join("\n\n");
}

export function ofNats(result: SuiteResult): string {
  return [
    `${measured(result)} Each event carries 200 bytes of JSON. The bare client does the same work: ids, the same headers, confirmed publishes and acks.`,
    targetsTable(result.scenarios, { withLimit: false }),
    ...missed(result.scenarios),
  ].join("\n\n");
}

/** Nanoseconds of every candidate. */
export function times({ scenarios, date }: SuiteResult): string {
  return `On ${date}:\n\n${candidatesTable(scenarios, "ns", (ns) => ns)}`;
}

/** Operations per second of every candidate. */
export function rates({ scenarios, date }: SuiteResult): string {
  return `On ${date}:\n\n${candidatesTable(scenarios, "per second", (ns) => 1e9 / ns)}`;
}

export function budgets(size: SizeResult): string {
  return table(["core-bus", "weighs", "budget"], sizeRows(size));
}

export function types(result: TypesResult): string {
  return `${typesText(result)} (\`pnpm bench types\`)`;
}

function measured(result: SuiteResult): string {
  const { cpu, cores, memoryGib, system } = result.machine;
  const rounds = result.scenarios.flatMap((one) => (one.kind === "time" ? [one.rounds] : []));
  return (
    `Measured on ${result.date} with Node ${result.node} on ${cpu}, ${cores} cores, ${memoryGib} GiB, ` +
    `${system}, by \`${result.command}\`: medians of ${Math.max(...rounds)} rounds, 10 to 90 % of them in brackets.`
  );
}

/** A table with a row for each missed target, with its next idea; nothing where all were met. */
function missed(scenarios: readonly ScenarioResult[]): string[] {
  const rows = scenarios.flatMap((scenario) =>
    scenario.kind === "time"
      ? scenario.targets
          .filter(({ verdict }) => verdict !== "hit")
          .map(({ base }) => [`${scenario.title}, to ${base}`, nextIdea(scenario.id, base)])
      : [],
  );
  return rows.length === 0 ? [] : [table(["missed", "next idea"], rows)];
}

function targetsTable(
  scenarios: readonly ScenarioResult[],
  { withLimit }: { withLimit: boolean },
): string {
  const rows = scenarios.flatMap((scenario): string[][] => {
    if (scenario.kind === "time") {
      return scenario.targets.map(({ candidate, base, ratio, atLeast, limit, verdict }) => [
        scenario.title,
        `${candidate} to ${base}`,
        `${spreadText(ratio)} ×`,
        `≥ ${figure(atLeast)} ×`,
        limit ? `${figure(limit.median)} ×` : "–",
        verdictText(verdict),
      ]);
    }
    if (scenario.kind === "figures") return [];
    return scenario.targets.map(({ candidate, grownMib, atMostMib, verdict }) => [
      scenario.title,
      candidate,
      `${grownMib.toFixed(2)} MiB more`,
      `≤ ${atMostMib} MiB`,
      "–",
      verdictText(verdict),
    ]);
  });
  const head = ["scenario", "compared", "speed", "target", "limit", ""];
  const kept = (cells: readonly string[]): string[] =>
    cells.filter((_, column) => withLimit || head[column] !== "limit");
  return table(kept(head), rows.map(kept));
}

function boundsTable(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario): string[][] =>
    scenario.kind === "figures"
      ? scenario.figures.map(({ name, unit, value, atMost, verdict }) => [
          scenario.title,
          name,
          `${spreadText(value)} ${unit}`,
          atMost === undefined ? "–" : `≤ ${atMost} ${unit}`,
          verdictOrNothing(verdict),
        ])
      : [],
  );
  return table(["scenario", "figure", "value", "target", ""], rows);
}

function verdictOrNothing(verdict: Verdict | undefined): string {
  return verdict === undefined ? "" : verdictText(verdict);
}

function candidatesTable(
  scenarios: readonly ScenarioResult[],
  unit: string,
  convert: (ns: number) => number,
): string {
  const rows = scenarios.flatMap((scenario) =>
    scenario.kind === "time"
      ? [
          [
            scenario.title,
            scenario.candidates
              .map(({ name, ns }) => `${name} ${figure(convert(ns.median))}`)
              .join(", "),
          ],
        ]
      : [],
  );
  return table(["scenario", unit], rows);
}
