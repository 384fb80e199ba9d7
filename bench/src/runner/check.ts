import { type Candidate, type Subject, Tally, type TimedScenario } from "./scenario.ts";

/** A candidate that is ready to be timed. */
export interface Prepared {
  readonly candidate: Candidate;
  readonly tally: Tally;
  readonly subjects: readonly Subject[];
  /** Whether its operations are awaited. */
  readonly awaited: boolean;
}

/** As many instances as there are handler literals: each comes first in one of them. */
const INSTANCES = 6;
/** Enough for each topic of every scenario to come up, and for all wrong answers to show. */
const CHECKED_OPERATIONS = 600;

/** Sets up all candidates of a scenario and counts their deliveries. */
export async function prepare(scenario: TimedScenario): Promise<Prepared[]> {
  const all: Prepared[] = [];
  for (const candidate of scenario.candidates) {
    const tally = new Tally();
    const subjects = Array.from({ length: INSTANCES }, (_, rotation) =>
      candidate.make(tally, rotation),
    );
    let awaited = false;
    for (const subject of subjects) {
      awaited = await checkDeliveries(scenario, candidate, tally, subject);
    }
    all.push({ candidate, tally, subjects, awaited });
  }
  return all;
}

/**
 * Runs a subject once and compares what its handlers received with what the operation must cause.
 * Returns whether the run was asynchronous.
 *
 * @throws Error when it is more or less
 */
async function checkDeliveries(
  scenario: TimedScenario,
  candidate: Candidate,
  tally: Tally,
  subject: Subject,
): Promise<boolean> {
  const before = tally.total;
  const run = subject.run(CHECKED_OPERATIONS);
  await run;
  const delivered = tally.total - before;
  const expected = scenario.deliveries * CHECKED_OPERATIONS;
  if (delivered === expected) return run instanceof Promise;
  throw new Error(
    `Scenario "${scenario.id}": "${candidate.name}" delivered ${delivered} times in ` +
      `${CHECKED_OPERATIONS} operations, ${expected} are right. It cannot be compared.`,
  );
}
