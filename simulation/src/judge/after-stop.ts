import type { Entry } from "../ledger.ts";
import type { Trial } from "./trial.ts";

/** Whether it happened when the time of a stop was over that left handlers running, and before the next start was done. */
export function isAfterCutStop(trial: Trial, { node, life, index }: Entry): boolean {
  const isHere = (entry: Entry): boolean =>
    entry.node === node && entry.life === life && entry.index < index;
  const stop = trial.of("stopped").findLast(isHere);
  if (stop === undefined || stop.left === 0) return false;
  return !trial.of("started").some((entry) => isHere(entry) && entry.index > stop.index);
}

/** Whether its process had been asked to stop within a time: handlers may go on after that. */
export function isAfterLimit(trial: Trial, { node, life, index }: Entry): boolean {
  return trial
    .of("stopping")
    .some(
      (entry) =>
        entry.node === node &&
        entry.life === life &&
        entry.index < index &&
        entry.limitMs !== undefined,
    );
}
