import type { Complaint, Trial } from "../trial.ts";

/** A stop without a limit leaves nothing; one that says it left nothing, did; and nothing keeps a closed process alive. */
export function* cleanEnd(trial: Trial): Generator<Complaint> {
  let limitMs: number | undefined;
  for (const entry of trial.entries) {
    if (entry.what === "stopping") ({ limitMs } = entry);
    if (entry.what !== "stopped") continue;
    const { index, node, drained, left, open, timers } = entry;
    const stopping = trial
      .of("stopping")
      .findLast((other) => other.node === node && other.index < index);
    ({ limitMs } = stopping ?? { limitMs });
    const lines = [index];
    if (drained !== (left === 0)) {
      const message = `${node} says drained: ${drained}, and left: ${left}.`;
      yield { kind: "clean-end: it contradicts itself", message, lines };
    }
    if (limitMs === undefined && left > 0) {
      const message = `${node} had no limit and left ${left}.`;
      yield { kind: "clean-end: something was left", message, lines };
    }
    if (left === 0 && open > 0) {
      const message = `${node} says that nothing was left, and ${open} handlers or publishes were.`;
      yield { kind: "clean-end: left is too low", message, lines };
    }
    if (left === 0 && timers > 0) {
      const message = `${node} is closed, and ${timers} timers keep its process alive.`;
      yield { kind: "clean-end: timers", message, lines };
    }
  }
}
