import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { thisMachine } from "./machine.ts";
import type { ScenarioResult, SuiteResult } from "./results.ts";
import type { Suite } from "./scenario.ts";

export interface RunOptions {
  /** Only these scenarios. @default all */
  readonly ids?: readonly string[] | undefined;
  readonly rounds: number;
  /** Called with each result as it comes. */
  readonly onResult: (result: ScenarioResult) => void;
}

/**
 * Runs the scenarios of a suite, one after another, each in its own process.
 *
 * @throws Error when a scenario isn't known, or its process fails
 */
export async function runSuite(suite: Suite, options: RunOptions): Promise<SuiteResult> {
  const ids = chosenIds(suite, options.ids);
  const scenarios: ScenarioResult[] = [];
  const tearDown = await suite.setUp?.();
  try {
    for (const id of ids) {
      const result = await runScenario(suite.name, id, options.rounds);
      options.onResult(result);
      scenarios.push(result);
    }
  } finally {
    await tearDown?.();
  }
  return {
    suite: suite.name,
    command: `pnpm bench ${suite.name}`,
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    machine: thisMachine(),
    scenarios,
  };
}

/**
 * The scenarios that are wanted: all unless some are named.
 *
 * @throws Error when one isn't known
 */
export function chosenIds(suite: Suite, wanted: readonly string[] | undefined): readonly string[] {
  const known = suite.scenarios.map(({ id }) => id);
  const unknown = wanted?.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new Error(`There is no scenario "${unknown}". There are: ${known.join(", ")}.`);
  }
  return wanted ?? known;
}

async function runScenario(suite: string, id: string, rounds: number): Promise<ScenarioResult> {
  const child = fork(join(import.meta.dirname, "child.ts"), [suite, id, String(rounds)], {
    execArgv: [...process.execArgv, "--expose-gc"],
    serialization: "advanced",
  });
  let result: ScenarioResult | undefined;
  child.on("message", (message) => {
    result = message as ScenarioResult;
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code === 0 && result) return result;
  throw new Error(`The process of scenario "${id}" ended with ${signal ?? `code ${code}`}.`);
}
