import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Suite } from "../runner/scenario.ts";
import { quantile } from "../runner/statistics.ts";
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
  const tearDown = await suite.setUp?.();
  try {
    for (const { id } of suite.scenarios) {
      if (options.ids === undefined || options.ids.includes(id)) {
        await compareScenario(suite.name, id, options);
      }
    }
  } finally {
    await tearDown?.();
  }
}

async function compareScenario(suite: string, id: string, options: CompareOptions): Promise<void> {
  const sides = [start(options.against, suite, id), start(THIS, suite, id)];
  try {
    const ready = await Promise.all(sides.map(answer));
    if (ready.includes("missing")) {
      options.onResult(`${id}: not on both sides, or with nothing to sample`);
      return;
    }
    const samples: (readonly [there: Sample, here: Sample])[] = [];
    for (let pair = 0; pair < options.pairs; pair += 1) {
      const order = pair % 2 === 0 ? [0, 1] : [1, 0];
      const found: Sample[] = [];
      for (const side of order) found[side] = await sampleOf(sides[side]!);
      samples.push([found[0]!, found[1]!]);
    }
    for (const name of Object.keys(samples[0]?.[1] ?? {})) {
      options.onResult(`${id}, ${name}: ${resultOf(samples, name)}`);
    }
  } finally {
    await Promise.all(sides.map(end));
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

function start(root: string, suite: string, id: string): ChildProcess {
  return fork(join(import.meta.dirname, "side.ts"), [join(root, "bench"), suite, id], {
    execPath: join(root, "node_modules/.bin/node"),
    execArgv: [...process.execArgv, "--expose-gc"],
  });
}

async function sampleOf(side: ChildProcess): Promise<Sample> {
  const sample = answer(side);
  side.send("sample");
  // The cast is safe: what `side.ts` answers.
  return (await sample) as Sample;
}

async function answer(side: ChildProcess): Promise<unknown> {
  const failed = once(side, "exit").then(() => {
    throw new Error("One side has ended. Its error is above.");
  });
  failed.catch(() => {});
  const [what] = (await Promise.race([once(side, "message"), failed])) as [unknown];
  return what;
}

async function end(side: ChildProcess): Promise<void> {
  if (side.exitCode !== null || side.signalCode !== null) return;
  const ended = once(side, "exit");
  if (side.connected) side.send("close");
  await ended;
}
