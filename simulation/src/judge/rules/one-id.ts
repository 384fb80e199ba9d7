import { isByBus, type Via } from "../../ledger.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";

/** What is published once is one event, with one id in every log and on every bus, also when a handler publishes it again. */
export function* oneId(trial: Trial): Generator<Complaint> {
  const vias = new Map(trial.of("publish").map(({ tag, via }) => [tag, via]));
  const tagged = [...trial.stored, ...trial.of("got")];
  for (const [tag, entries] of groupBy(tagged, (entry) => entry.tag)) {
    const byId = groupBy(entries, ({ id }) => id);
    if (byId.size < 2) continue;
    const kind = `one-id: ${describe(tag, vias.get(tag))} with two ids`;
    const lines = Array.from(byId.values(), ([first]) => first?.index ?? 0);
    yield { kind, message: `${tag} is ${[...byId.keys()].join(" and ")}.`, tag, lines };
  }
  const tags = new Map(trial.stored.map(({ id, tag }) => [id, tag]));
  for (const { id, tag, index } of trial.of("published")) {
    const other = id === undefined ? tag : tags.get(id);
    if (other === undefined || other === tag) continue;
    const kind = "one-id: taken for another";
    yield {
      kind,
      message: `The publish of ${tag} came to ${id}, which is ${other}.`,
      tag,
      lines: [index],
    };
  }
  for (const rows of groupBy(trial.stored, ({ queue, id }) => `${queue} ${id}`).values()) {
    const [first, second] = rows;
    if (!first || !second) continue;
    const lines = [first.index, second.index];
    yield {
      kind: "one-id: stored twice",
      message: `${first.id} is in a log twice.`,
      tag: first.tag,
      lines,
    };
  }
}

function describe(tag: string, via: Via | undefined): string {
  const scope = /\/([^/]*)$/.exec(tag)?.[1];
  if (scope === undefined) return "an event";
  return `${scope.includes(":") ? "a subscriber's" : "a worker's"} child by ${via && isByBus(via) ? "a bus" : "a call"}`;
}
