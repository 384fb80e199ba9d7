import { judge } from "../judge/judge.ts";
import type { Complaint } from "../judge/trial.ts";
import { Ledger } from "../ledger.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { run } from "../world/run.ts";

/** A run and what the rules say of it. */
export interface Verdict {
  readonly scenario: Scenario;
  readonly ledger: Ledger;
  readonly complaints: readonly Complaint[];
}

/** Runs and judges. A run that can't be brought to its end is a complaint too. */
export async function tryScenario(scenario: Scenario): Promise<Verdict> {
  try {
    const ledger = await run(scenario);
    return { scenario, ledger, complaints: judge(scenario, ledger) };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const kind = "run: it could not be brought to its end";
    return { scenario, ledger: new Ledger(), complaints: [{ kind, message, lines: [] }] };
  }
}

/** The kinds of what is wrong, each once. */
export function kindsOf({ complaints }: Verdict): string[] {
  return [...new Set(complaints.map(({ kind }) => kind))];
}
