import type { EntryOf } from "../../ledger.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";
import { bridgeTarget } from "./bridged.ts";

/** An event is settled only when its handlers are done: with success for a work group, in any way on a bus. */
export function* ackAfterEffect(trial: Trial): Generator<Complaint> {
  const begins = groupBy(trial.of("begin"), ({ id }) => id);
  const ends = groupBy(trial.of("end"), ({ id }) => id);
  const got = groupBy(trial.of("got"), (entry) => `${trial.readerOf(entry)} ${entry.id}`);
  const groups = new Set(trial.scenario.work.map(({ group }) => group));
  for (const settled of trial.of("settled")) {
    const { id, group, index } = settled;
    const done = (ends.get(id) ?? []).filter((end) => end.index < index);
    if (groups.has(group)) {
      if (done.some((end) => end.group === group && !end.failed)) continue;
      const message = `${group} settled ${id} before its handler was done.`;
      yield { kind: "ack-after-effect: work", message, lines: [index] };
      continue;
    }
    // What bridges settle is a rule of its own.
    if (bridgeTarget(group) !== undefined) continue;
    const delivery = got.get(`${group} ${id}`)?.findLast((entry) => entry.index < index);
    if (!delivery) {
      const message = `${group} passed ${id} before its bus had it.`;
      yield { kind: "ack-after-effect: unseen", message, lines: [index] };
      continue;
    }
    const begun = (begins.get(id) ?? []).filter((begin) => isOn(delivery, begin, index));
    const running = begun.find((begin) => !done.some((end) => isEndOf(begin, end)));
    if (!running) continue;
    const message = `${group} passed ${id} while ${running.handler} was running.`;
    yield { kind: "ack-after-effect: running", message, lines: [running.index, index] };
  }
}

function isOn(delivery: EntryOf<"got">, begin: EntryOf<"begin">, before: number): boolean {
  return (
    begin.group === undefined &&
    begin.node === delivery.node &&
    begin.life === delivery.life &&
    begin.index > delivery.index &&
    begin.index < before
  );
}

function isEndOf(begin: EntryOf<"begin">, end: EntryOf<"end">): boolean {
  return (
    end.node === begin.node &&
    end.life === begin.life &&
    end.handler === begin.handler &&
    end.index > begin.index
  );
}
