import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SuiteResult } from "../runner/results.ts";
import type { SizeResult } from "../size.ts";
import type { TypesResult } from "../type-cost.ts";
import * as scoreboard from "./scoreboard.ts";
import * as figures from "./user-figures.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** A README, and the text between each pair of its markers. */
export interface FilledReadme {
  readonly file: string;
  readonly blocks: Readonly<Record<string, () => string>>;
}

/** The READMEs whose figures come from bench/results: four figures for users, the scoreboard for maintainers. */
export const READMES: readonly FilledReadme[] = [
  {
    file: join(ROOT, "README.md"),
    blocks: { overview: () => figures.overview(suite("bus"), suite("queue")) },
  },
  {
    file: join(ROOT, "packages/core-bus/README.md"),
    blocks: { bus: () => figures.ofBus(suite("bus"), size()) },
  },
  {
    file: join(ROOT, "packages/cross-process-queue/README.md"),
    blocks: { queue: () => figures.ofQueue(suite("queue")) },
  },
  {
    file: join(ROOT, "packages/nats-queue/README.md"),
    blocks: { nats: () => figures.ofNats(suite("nats")) },
  },
  {
    file: join(ROOT, "bench/README.md"),
    blocks: {
      bus: () => scoreboard.ofBus(suite("bus")),
      times: () => scoreboard.times(suite("bus")),
      queue: () => scoreboard.ofQueue(suite("queue")),
      rates: () => scoreboard.rates(suite("queue")),
      nats: () => scoreboard.ofNats(suite("nats")),
      budgets: () => scoreboard.budgets(size()),
      types: () => scoreboard.types(read("types") as TypesResult),
    },
  },
];

/** Where `pnpm bench <name>` leaves its figures. */
export function resultsFile(name: string): string {
  return join(ROOT, "bench/results", `${name}.json`);
}

/** A README's text with its figures as they were measured last. */
export function withFigures(text: string, blocks: FilledReadme["blocks"]): string {
  let result = text;
  for (const [name, block] of Object.entries(blocks)) result = replaceBlock(result, name, block());
  return result;
}

/** Writes the latest figures into every README. */
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

function suite(name: string): SuiteResult {
  return read(name) as SuiteResult;
}

function size(): SizeResult {
  return read("size") as SizeResult;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(resultsFile(name), "utf8")) as unknown;
}
