import type {
  FiguresResult,
  MemoryResult,
  ScenarioResult,
  TimedResult,
  Verdict,
} from "./results.ts";
import type { Spread } from "./statistics.ts";

const VERDICTS: Readonly<Record<Verdict, string>> = {
  hit: "met",
  near: "missed by less than a fifth",
  miss: "**missed**",
};

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Everything about one scenario: candidates, targets, notes. */
export function scenarioText(result: ScenarioResult): string {
  if (result.kind === "time") return timedText(result);
  return result.kind === "memory" ? memoryText(result) : figuresText(result);
}

/** Three significant figures, and no more than two decimals. */
export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `1.42 (1.38–1.50)` */
export function spreadText({ median, low, high }: Spread): string {
  return `${figure(median)} (${figure(low)}–${figure(high)})`;
}

export function verdictText(verdict: Verdict): string {
  return VERDICTS[verdict];
}

function timedText(result: TimedResult): string {
  const notes = result.candidates.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : []));
  return [
    `### ${result.title} (\`${result.id}\`)`,
    `${result.operation} ${result.rounds} rounds${deliveriesText(result)}.`,
    table(
      ["candidate", "ns an operation", `speed, ${result.base} = 1`],
      result.candidates.map(({ name, ns, ratio }) => [name, spreadText(ns), spreadText(ratio)]),
    ),
    ...(result.targets.length === 0
      ? []
      : [
          table(
            ["candidate", "against", "speed", "target", "limit", ""],
            result.targets.map(({ candidate, base, ratio, atLeast, limit, verdict }) => [
              candidate,
              base,
              spreadText(ratio),
              `≥ ${figure(atLeast)}`,
              limit ? figure(limit.median) : "",
              verdictText(verdict),
            ]),
          ),
        ]),
    ...[...notes, ...result.notes].map((note) => `- ${note}`),
  ].join("\n\n");
}

function deliveriesText({ deliveries }: TimedResult): string {
  return deliveries === undefined ? "" : `, ${deliveries} deliveries an operation`;
}

function figuresText(result: FiguresResult): string {
  return [
    `### ${result.title} (\`${result.id}\`)`,
    result.operation,
    table(
      ["figure", "value", "target", ""],
      result.figures.map(({ name, unit, value, atMost, verdict }) => [
        name,
        `${spreadText(value)} ${unit}`,
        atMost === undefined ? "" : `≤ ${atMost} ${unit}`,
        verdict === undefined ? "" : verdictText(verdict),
      ]),
    ),
  ].join("\n\n");
}

function memoryText(result: MemoryResult): string {
  return [
    `### ${result.title} (\`${result.id}\`)`,
    `${result.operation} ${result.operations.toLocaleString("en")} operations.`,
    table(
      ["candidate", "MiB before", "MiB after", "grown by"],
      result.candidates.map(({ name, beforeMib, afterMib }) => [
        name,
        figure(beforeMib),
        figure(afterMib),
        (afterMib - beforeMib).toFixed(2),
      ]),
    ),
    table(
      ["candidate", "grown by, MiB", "target", ""],
      result.targets.map(({ candidate, grownMib, atMostMib, verdict }) => [
        candidate,
        grownMib.toFixed(2),
        `≤ ${atMostMib}`,
        verdictText(verdict),
      ]),
    ),
  ].join("\n\n");
}
