import { type EntryOf, isByBus } from "../../ledger.ts";
import type { Complaint, Trial } from "../trial.ts";

/**
 * A stop without a limit leaves nothing; one that says it left nothing, did; nothing keeps a closed process alive, and
 * nobody starts it.
 */
export function* cleanEnd(trial: Trial): Generator<Complaint> {
  /** Where processes left something at an earlier stop: what they left is no matter of later ones. */
  const hasLeft = new Map<string, number>();
  /** Where a handler waits for the stop: it isn't waited for, nor is the publish that called it. */
  const joined = new Set<string>();
  const limits = new Map<string, number | undefined>();
  /** Which have stopped: until they start again, they take nothing. */
  const shut = new Set<string>();
  /** What waits for the start of a process. */
  const waiting = new Map<string, Set<string>>();
  for (const entry of trial.entries) {
    const process = `${entry.node}#${entry.life}`;
    if (entry.what === "started") waiting.delete(process);
    if (entry.what === "starting") shut.delete(process);
    const mayWait = !trial.isUp(entry) && !shut.has(process);
    if (entry.what === "publish" && isByBus(entry.via) && mayWait) {
      waiting.set(process, (waiting.get(process) ?? new Set()).add(entry.tag));
    }
    if (entry.what === "started-late") {
      const message = `${process} was started while it was being closed.`;
      yield { kind: "clean-end: started late", message, lines: [entry.index] };
    }
    if (entry.what === "joins") joined.add(process);
    if (entry.what === "stopping") {
      limits.set(process, entry.limitMs);
      joined.delete(process);
    }
    if (entry.what !== "stopped") continue;
    shut.add(process);
    const { index, drained, left, open, timers } = entry;
    const lines = [index];
    if (drained !== (left === 0)) {
      const message = `${process} says drained: ${drained}, and left: ${left}.`;
      yield { kind: "clean-end: it contradicts itself", message, lines };
    }
    // Its coordinator may have started, and its bridge not.
    const isOver = (tag: string): boolean =>
      trial.stored.some((event) => event.tag === tag && event.index < index) ||
      trial.of("published").some((one) => one.tag === tag && one.outcome === "refused");
    const waits = [...(waiting.get(process) ?? [])].filter((tag) => !isOver(tag));
    const unstarted = trial.isUp(entry) ? 0 : waits.length;
    if (unstarted > left) {
      const message = `${process} was not started, and left ${left} instead of the ${unstarted} that waited.`;
      yield { kind: "clean-end: what waited for a start", message, lines };
    }
    if (limits.get(process) === undefined && left > unstarted && !hasLeft.has(process)) {
      const message = `${process} had no limit and left ${left}.`;
      yield { kind: "clean-end: something was left", message, lines };
    }
    const before = hasLeft.get(process);
    if (left > 0) hasLeft.set(process, index);
    const isOpen = open > 0 && !joined.has(process);
    if (left === 0 && isOpen && (before === undefined || isBusySince(trial, entry, before))) {
      const message = `${process} says that nothing was left, and ${open} handlers or publishes were.`;
      yield { kind: "clean-end: left is too low", message, lines };
    }
    if (left === 0 && timers > 0 && !hasLeft.has(process)) {
      const message = `${process} is closed, and ${timers} timers keep it alive.`;
      yield { kind: "clean-end: timers", message, lines };
    }
  }
}

/** Whether a handler or a publish that began since a line is not over when a process has stopped. */
function isBusySince(trial: Trial, stopped: EntryOf<"stopped">, since: number): boolean {
  const isOfIt = (entry: { node: string; life: number; index: number }): boolean =>
    entry.node === stopped.node &&
    entry.life === stopped.life &&
    entry.index > since &&
    entry.index < stopped.index;
  const ends = trial.of("end").filter(isOfIt);
  const published = new Set(
    trial
      .of("published")
      .filter(isOfIt)
      .map(({ tag }) => tag),
  );
  return (
    trial.of("publish").some((entry) => {
      return isOfIt(entry) && entry.via !== "queue" && !published.has(entry.tag);
    }) ||
    trial.of("begin").some((begin) => {
      const isOver = ends.some(({ handler, id, attempt, index }) => {
        const isSame = handler === begin.handler && id === begin.id && attempt === begin.attempt;
        return isSame && index > begin.index;
      });
      return isOfIt(begin) && !isOver;
    })
  );
}
