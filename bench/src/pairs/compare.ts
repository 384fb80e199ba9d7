import { join } from "node:path";
import { chosenIds } from "../runner/run-suite.ts";
import type { Suite } from "../runner/scenario.ts";
import { quantile } from "../runner/statistics.ts";
import { SideProcess } from "./side-process.ts";
import type { Sample } from "./side.ts";

export interface CompareOptions {
  /** Root of the other checkout, with its dependencies installed. */
  readonly against: string;
  /** Only these scenarios. @default all */
  readonly ids?: readonly string[] | undefined;
  readonly pairs: number;
  readonly onResult: (line: string) => void;
}

const THIS = join(import.meta.dirname, "../../..");
/** Medians that are drawn for an interval. */
const DRAWS = 4000;

/**
 * Compares our candidates here with those of another checkout, e.g. of the commit before. Both live in a process of their
 * own and are sampled in turn, the first one of a pair being the second one of the next, so that a slow moment of the
 * machine slows both. Prints, for each, the median over the pairs of here divided by there (below 1: here is faster) and its
 * 95 % interval, by bootstrap (Efron, 1979).
 */
export async function compare(suite: Suite, options: CompareOptions): Promise<void> {
  const ids = chosenIds(suite, options.ids);
  const tearDown = await suite.setUp?.();
  try {
    for (const id of ids) await compareScenario(suite.name, id, options);
  } finally {
    await tearDown?.();
  }
}

async function compareScenario(suite: string, id: string, options: CompareOptions): Promise<void> {
  const sides = [options.against, THIS].map((root) => new SideProcess(root, suite, id));
  try {
    const ready = await Promise.all(sides.map((side) => side.isReady()));
    if (ready.includes(false)) {
      options.onResult(`${id}: not on both sides, or with nothing to sample`);
      return;
    }
    const samples: (readonly [there: Sample, here: Sample])[] = [];
    for (let pair = 0; pair < options.pairs; pair += 1) {
      const order = pair % 2 === 0 ? [0, 1] : [1, 0];
      const found: Sample[] = [];
      for (const side of order) found[side] = await sides[side]!.sample();
      samples.push([found[0]!, found[1]!]);
    }
    for (const name of Object.keys(samples[0]?.[1] ?? {})) {
      options.onResult(`${id}, ${name}: ${resultOf(samples, name)}`);
    }
  } finally {
    await Promise.all(sides.map((side) => side.end()));
  }
}

function resultOf(samples: readonly (readonly [Sample, Sample])[], name: string): string {
  const ratios = samples.map(([there, here]) => here[name]! / there[name]!);
  const [low, high] = intervalOf(ratios);
  return `${quantile(ratios, 0.5).toFixed(3)} [${low.toFixed(3)}–${high.toFixed(3)}]`;
}

/** 95 % interval of the median. */
export function intervalOf(
  values: readonly number[],
  random: () => number = Math.random,
): readonly [low: number, high: number] {
  const medians = Array.from({ length: DRAWS }, () => {
    const drawn = values.map(() => values[Math.floor(random() * values.length)]!);
    return quantile(drawn, 0.5);
  });
  return [quantile(medians, 0.025), quantile(medians, 0.975)];
}
