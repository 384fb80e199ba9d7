import { isByBus, type Via } from "../../ledger.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";

/** What is published once is one event, with one id in every log and on every bus, also when a handler publishes it again. */
export function* oneId(trial: Trial): Generator<Complaint> {
  const vias = new Map(trial.of("publish").map(({ tag, via }) => [tag, via]));
  const tagged = [...trial.stored, ...trial.of("got")];
  const doubled = new Set<string>();
  // Parents come before their children.
  const byTag = [...groupBy(tagged, (entry) => entry.tag)].toSorted(
    ([one], [other]) => one.length - other.length,
  );
  for (const [tag, entries] of byTag) {
    const byId = groupBy(entries, ({ id }) => id);
    if (byId.size < 2) continue;
    // The children of two events are two, and so are those of a handler that began before its node had started.
    if (!isBelow(tag, doubled) && !isEarlyChild(trial, tag)) {
      const kind = `one-id: ${describe(tag, vias.get(tag))} with two ids`;
      const lines = Array.from(byId.values(), ([first]) => first?.index ?? 0);
      yield { kind, message: `${tag} is ${[...byId.keys()].join(" and ")}.`, lines };
    }
    doubled.add(tag);
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
    yield {
      kind: "one-id: stored twice",
      message: `${first.id} is in a log twice.`,
      lines,
    };
  }
}

/** Whether it was published, some time, by a handler on a bus that no queue could tell of its children yet. */
function isEarlyChild(trial: Trial, tag: string): boolean {
  return trial.of("publish").some((publish) => {
    const { node, life, index, parent } = publish;
    if (publish.tag !== tag || parent === undefined) return false;
    const begin = trial.of("begin").findLast((entry) => {
      const isHere = entry.node === node && entry.life === life && entry.index < index;
      return isHere && entry.tag === parent && entry.group === undefined;
    });
    return begin !== undefined && !trial.isUp(begin);
  });
}

/** Whether an event descends from one of these. */
function isBelow(tag: string, ancestors: ReadonlySet<string>): boolean {
  for (let end = tag.lastIndexOf("/"); end > 0; end = tag.lastIndexOf("/", end - 1)) {
    if (ancestors.has(tag.slice(0, end))) return true;
  }
  return false;
}

function describe(tag: string, via: Via | undefined): string {
  const scope = /\/([^/]*)$/.exec(tag)?.[1];
  if (scope === undefined) return "an event";
  return `${scope.includes(":") ? "a subscriber's" : "a worker's"} child by ${via && isByBus(via) ? "a bus" : "a call"}`;
}
