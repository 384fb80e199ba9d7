import { isByBus } from "../../ledger.ts";
import type { Complaint, Trial } from "../trial.ts";

/** A stop without a limit leaves nothing; one that says it left nothing, did; and nothing keeps a closed process alive. */
export function* cleanEnd(trial: Trial): Generator<Complaint> {
  /** Processes that left something at an earlier stop: later ones say so again. */
  const hasLeft = new Set<string>();
  const limits = new Map<string, number | undefined>();
  /** How much waits for the start of a process. */
  const waiting = new Map<string, number>();
  for (const entry of trial.entries) {
    const process = `${entry.node}#${entry.life}`;
    if (entry.what === "started") waiting.delete(process);
    if (entry.what === "publish" && isByBus(entry.via) && !trial.isUp(entry)) {
      waiting.set(process, (waiting.get(process) ?? 0) + 1);
    }
    if (entry.what === "stopping") limits.set(process, entry.limitMs);
    if (entry.what !== "stopped") continue;
    const { index, drained, left, open, timers } = entry;
    const lines = [index];
    if (drained !== (left === 0)) {
      const message = `${process} says drained: ${drained}, and left: ${left}.`;
      yield { kind: "clean-end: it contradicts itself", message, lines };
    }
    const unstarted = trial.isUp(entry) ? 0 : (waiting.get(process) ?? 0);
    if (unstarted > left) {
      const message = `${process} was not started, and left ${left} instead of the ${unstarted} that waited.`;
      yield { kind: "clean-end: what waited for a start", message, lines };
    }
    if (limits.get(process) === undefined && left > unstarted && !hasLeft.has(process)) {
      const message = `${process} had no limit and left ${left}.`;
      yield { kind: "clean-end: something was left", message, lines };
    }
    if (left > 0) hasLeft.add(process);
    if (left === 0 && open > 0) {
      const message = `${process} says that nothing was left, and ${open} handlers or publishes were.`;
      yield { kind: "clean-end: left is too low", message, lines };
    }
    if (left === 0 && timers > 0 && !hasLeft.has(process)) {
      const message = `${process} is closed, and ${timers} timers keep it alive.`;
      yield { kind: "clean-end: timers", message, lines };
    }
  }
}
