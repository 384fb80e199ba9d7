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
  /** Each of some pairs, in processes of its own. */
  readonly sittings: number;
  readonly onResult: (line: string) => void;
}

const THIS = join(import.meta.dirname, "../../..");
/** Samples taken in this time don't count, as the engine still compiles what they run; one never does. */
const WARM_UP_MS = 2_000;
/** Pairs of a sitting. */
const PAIRS = 5;
/** After so long no further pair is begun: where a sample takes seconds, each sitting has one. */
const PATIENCE_MS = 2_000;
/** Medians that are drawn for an interval. */
const DRAWS = 4000;

/**
 * Compares our candidates here with those of another checkout, e.g. of the commit before. Both live in a process of their
 * own and are sampled in turn, the first one of a pair being the second one of the next, so that a slow moment of the
 * machine slows both. After some pairs both begin anew: what an engine makes of the same code differs from process to process
 * by a tenth or more, for as long as that lives. Prints, for each candidate, the median over these sittings of here divided by
 * there (below 1: here is faster) and its 95 % interval, by bootstrap (Efron, 1979) over the sittings.
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
  const sittings: Sitting[] = [];
  for (let number = 0; number < options.sittings; number += 1) {
    const sitting = await sit([options.against, THIS], suite, id, number);
    if (sitting === undefined) {
      options.onResult(`${id}: not on both sides, or with nothing to sample`);
      return;
    }
    sittings.push(sitting);
  }
  for (const name of Object.keys(sittings[0] ?? {})) {
    const ratios = sittings.map((sitting) => sitting[name]!);
    const [low, high] = intervalOf(ratios);
    const median = quantile(ratios, 0.5).toFixed(3);
    options.onResult(`${id}, ${name}: ${median} [${low.toFixed(3)}–${high.toFixed(3)}]`);
  }
}

/** By candidate: here divided by there, the median of the sitting's pairs. */
type Sitting = Readonly<Record<string, number>>;

/** Some pairs of samples of two new processes; `undefined` when a side has nothing to sample. */
async function sit(
  roots: readonly string[],
  suite: string,
  id: string,
  number: number,
): Promise<Sitting | undefined> {
  const sides = roots.map((root) => new SideProcess(root, suite, id));
  try {
    const ready = await Promise.all(sides.map((side) => side.isReady()));
    if (ready.includes(false)) return undefined;
    const ratios: Record<string, number[]> = {};
    const opened = performance.now();
    do {
      for (const side of sides) await side.sample();
    } while (performance.now() - opened < WARM_UP_MS);
    const begun = performance.now();
    for (
      let pair = 0;
      pair < PAIRS && (pair === 0 || performance.now() - begun < PATIENCE_MS);
      pair += 1
    ) {
      const order = (number + pair) % 2 === 0 ? [0, 1] : [1, 0];
      const found: Sample[] = [];
      for (const side of order) found[side] = await sides[side]!.sample();
      const [there, here] = found as [Sample, Sample];
      for (const name of Object.keys(here)) {
        (ratios[name] ??= []).push(here[name]! / there[name]!);
      }
    }
    return Object.fromEntries(
      Object.entries(ratios).map(([name, values]) => [name, quantile(values, 0.5)]),
    );
  } finally {
    await Promise.all(sides.map((side) => side.end()));
  }
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
