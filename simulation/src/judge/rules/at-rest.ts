import { type Complaint, isOfDeployment, type Trial } from "../trial.ts";

/** When everybody is there and nothing goes wrong, everything is done at last; then the logs stay as they are. */
export function* atRest(trial: Trial): Generator<Complaint> {
  for (const { pending, index } of trial.of("restless")) {
    const message = `Left to do: ${pending.join(", ")}.`;
    yield { kind: "at-rest: never", message, lines: [index] };
  }
  const [rest] = trial.of("rest");
  const [end] = trial.of("end-of-run");
  if (!rest || !end) return;
  for (const entry of trial.entries.slice(rest.index + 1, end.index)) {
    // It says so a minute after the last member that wanted a type, whatever else there is to do.
    if (entry.what === "done-with" || isOfDeployment(entry)) continue;
    const message = `Something happened though nothing was left to do.`;
    yield { kind: `at-rest: ${entry.what}`, message, lines: [rest.index, entry.index] };
  }
  if (rest.newest.join() === end.newest.join()) return;
  const message = `The logs went from ${rest.newest.join()} to ${end.newest.join()}.`;
  yield { kind: "at-rest: the log grows", message, lines: [rest.index, end.index] };
}
