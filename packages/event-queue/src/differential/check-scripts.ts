import fc from "fast-check";
import type { QueueFactory } from "../conformance/suite.ts";
import { findDifference, showDifference } from "./find-difference.ts";
import { scripts } from "./scripts.ts";

/** Which scripts to play, and how many. */
export interface CheckOptions {
  readonly runs: number;
  readonly mostCommands: number;
  readonly seed?: number | undefined;
  readonly path?: string | undefined;
}

/** Plays random scripts; what is wrong with the queue, by the shortest script that shows it, if anything is. */
export async function checkScripts(
  factory: QueueFactory,
  { runs, mostCommands, seed, path }: CheckOptions,
): Promise<string | undefined> {
  const property = fc.asyncProperty(scripts(mostCommands), async (script) => {
    const difference = await findDifference(factory, script);
    if (difference !== undefined) throw new Error(showDifference(difference));
  });
  const found = await fc.check(property, {
    numRuns: runs,
    ...(seed !== undefined && { seed }),
    // The path of a failure leads to its script at once; that one isn't made shorter any more.
    ...(path !== undefined && { path, endOnFailure: true }),
  });
  if (!found.failed) return undefined;
  const failure = found.errorInstance;
  const { seed: ofRun, counterexamplePath, numRuns, numShrinks } = found;
  return [
    failure instanceof Error ? failure.message : String(failure),
    `Found by script ${numRuns}, made shorter ${numShrinks} times. Play just this one again with { seed: ${ofRun}, path: "${counterexamplePath}" }, or with MODEL_SEED=${ofRun} MODEL_PATH=${counterexamplePath} in the environment.`,
  ].join("\n");
}
