import { type Complaint, groupBy, type Trial } from "../trial.ts";

/** What is published once is one event, with one id in every log and on every bus, also when a handler publishes it again. */
export function* oneId(trial: Trial): Generator<Complaint> {
  const tagged = [...trial.stored, ...trial.of("got")];
  for (const [tag, entries] of groupBy(tagged, (entry) => entry.tag)) {
    const byId = groupBy(entries, ({ id }) => id);
    if (byId.size < 2) continue;
    const kind = `one-id: ${tag.includes("/") ? "a child" : "an event"} with two ids`;
    const lines = Array.from(byId.values(), ([first]) => first?.index ?? 0);
    yield { kind, message: `${tag} is ${[...byId.keys()].join(" and ")}.`, lines };
  }
  const tags = new Map(trial.stored.map(({ id, tag }) => [id, tag]));
  for (const { id, tag, index } of trial.of("published")) {
    const other = id === undefined ? tag : tags.get(id);
    if (other === undefined || other === tag) continue;
    const kind = "one-id: taken for another";
    yield {
      kind,
      message: `The publish of ${tag} came to ${id}, which is ${other}.`,
      lines: [index],
    };
  }
  for (const rows of groupBy(trial.stored, ({ queue, id }) => `${queue} ${id}`).values()) {
    const [first, second] = rows;
    if (!first || !second) continue;
    const lines = [first.index, second.index];
    yield { kind: "one-id: stored twice", message: `${first.id} is in a log twice.`, lines };
  }
}
