import type { Complaint, Trial } from "../trial.ts";

/** Where no call to a queue went wrong, nobody has anything to report. */
export function* noWarnings(trial: Trial): Generator<Complaint> {
  if (trial.of("fault").length > 0) return;
  for (const { code, message, index } of trial.of("warning")) {
    // It passes on that a handler of the topic failed, and that is reported by itself.
    if (message.startsWith('Handler "stage → topic"')) continue;
    // That an event is given up on is what its handlers wanted.
    if (code === "RINGRIFT_DEAD_LETTER") continue;
    yield { kind: `no-warnings: ${code}`, message, lines: [index] };
  }
}
