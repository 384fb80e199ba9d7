import fc from "fast-check";
import type { QueueFactory } from "../conformance/harness/suite.ts";
import type { Difference } from "./judge/difference.ts";
import { findDifference, showDifference } from "./find-difference.ts";
import { RealClock } from "./clocks/real-clock.ts";
import type { Script } from "./script/script.ts";
import type { ScriptClock } from "./clocks/script-clock.ts";
import { scripts } from "./script/scripts.ts";
import { shorten } from "./shorten.ts";
import { silenceReports } from "./clocks/silence.ts";
import { REAL, STEPPED } from "./script/spans.ts";
import { SteppedClock } from "./clocks/stepped-clock.ts";

/** Which scripts to play, and how many. */
export interface CheckOptions {
  readonly runs: number;
  readonly mostCommands: number;
  readonly seed?: number | undefined;
  readonly path?: string | undefined;
  readonly clock?: "stepped" | "real" | undefined;
  readonly idsCountWithin?: "log" | "type" | undefined;
  /** Told of a script of which nothing can be said, as the machine was too slow for its time. */
  readonly onUnsure?: (() => void) | undefined;
}

/** Scripts that are played at once where time really passes: most of it is waiting. */
const AT_ONCE = 8;

/** Plays random scripts; what is wrong with the queue, by the shortest script that shows it, if anything is. */
export async function checkScripts(
  factory: QueueFactory,
  options: CheckOptions,
): Promise<string | undefined> {
  const { runs, seed, path, clock } = options;
  const speakUp = silenceReports();
  try {
    if (clock !== "real" || path !== undefined) return await checkSome(factory, options);
    const first = seed ?? Date.now() % 2 ** 31;
    const each = Math.ceil(runs / AT_ONCE);
    const found = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, nth) =>
        checkSome(factory, { ...options, runs: each, seed: first + nth }),
      ),
    );
    return found.find((one) => one !== undefined);
  } finally {
    speakUp();
  }
}

async function checkSome(
  factory: QueueFactory,
  { runs, mostCommands, seed, path, clock, idsCountWithin, onUnsure }: CheckOptions,
): Promise<string | undefined> {
  const isReal = clock === "real";
  const spans = isReal ? REAL : STEPPED;
  const makeClock = (script: Script): ScriptClock =>
    isReal ? new RealClock(script) : new SteppedClock();
  const play = (script: Script): Promise<Difference | undefined> =>
    findDifference(factory, script, { makeClock, idsCountWithin, onUnsure });
  const property = fc.asyncProperty(scripts(mostCommands, spans), async (script) => {
    const difference = await play(script);
    if (difference === undefined) return;
    const shown = isReal ? await shorten(difference, play) : difference;
    throw new Error(showDifference(shown));
  });
  const found = await fc.check(property, {
    numRuns: runs,
    ...(seed !== undefined && { seed }),
    // The path of a failure leads to its script at once; that one isn't made shorter any more.
    ...(path !== undefined && { path }),
    // To try what fast-check thinks of takes too long where time really passes.
    endOnFailure: isReal || path !== undefined,
  });
  if (!found.failed) return undefined;
  const failure = found.errorInstance;
  const { seed: ofRun, counterexamplePath, numRuns, numShrinks } = found;
  return [
    failure instanceof Error ? failure.message : String(failure),
    `Found by script ${numRuns}, made shorter ${numShrinks} times. Play just this one again with { seed: ${ofRun}, path: "${counterexamplePath}" }, or with MODEL_SEED=${ofRun} MODEL_PATH=${counterexamplePath} in the environment.`,
  ].join("\n");
}
