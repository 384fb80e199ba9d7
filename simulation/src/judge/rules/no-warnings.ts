import { isAfterLimit } from "../after-stop.ts";
import { type Complaint, isOfDeployment, type Trial } from "../trial.ts";

/** Where no call to a queue went wrong, nobody has anything to report. */
export function* noWarnings(trial: Trial): Generator<Complaint> {
  if (trial.of("fault").length > 0) return;
  const hasDeployed = trial.scenario.steps.some((step) => step.do === "deploy");
  for (const entry of trial.of("warning")) {
    const { code, message, index } = entry;
    // A handler that a stop didn't wait for has published something.
    if (code === "RINGRIFT_NOT_RUNNING" && isAfterLimit(trial, entry)) continue;
    // It passes on that a handler of the topic failed, and that is reported by itself.
    if (message.startsWith('Handler "stage → topic"')) continue;
    // That an event is given up on is what its handlers wanted.
    if (code === "RINGRIFT_DEAD_LETTER") continue;
    // Groups follow the code, and say so.
    if (hasDeployed && isOfDeployment(entry)) continue;
    // What waited for a start that never came is given up.
    if (code === "NOT_STORED" && !trial.isUp(entry)) continue;
    yield { kind: `no-warnings: ${code}`, message, lines: [index] };
  }
}
