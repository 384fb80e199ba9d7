import type { EntryOf } from "../../ledger.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";

/**
 * The bus of every live node gets each event that is stored while it is there, and a named node what is stored while it
 * is down, too. It gets none a second time, unless a crash, an end that left something or a call that did not reach the
 * queue, as the node said, came before the event was settled, or a handler that runs again in a later process publishes it
 * again: then it is flagged.
 */
export function* oncePerNode(trial: Trial): Generator<Complaint> {
  const got = groupBy(trial.of("got"), (entry) => `${trial.readerOf(entry)} ${entry.id}`);
  for (const deliveries of got.values()) {
    for (const [index, second] of deliveries.entries()) {
      const first = deliveries[index - 1];
      if (first) yield* judgeSecond(trial, first, second);
    }
  }
  for (const { node, life, index, newest } of beginnings(trial)) {
    const reader = trial.readerOf({ node, life });
    const queue = trial.nodeOf(node)?.queue;
    for (const event of trial.stored) {
      if (event.queue !== queue || event.position <= (newest[event.queue] ?? 0)) continue;
      if (got.has(`${reader} ${event.id}`)) continue;
      yield {
        kind: "once-per-node: missing",
        message: `${reader} never got ${event.id} (${event.tag}).`,
        lines: [index, event.index],
      };
    }
  }
}

function* judgeSecond(
  trial: Trial,
  first: EntryOf<"got">,
  second: EntryOf<"got">,
): Generator<Complaint> {
  const { node, id, tag } = second;
  const reader = trial.readerOf(second);
  const lines = [first.index, second.index];
  const twice = `${reader} got ${id} (${tag}) twice`;
  if (second.redelivered && isPublishedAgain(trial, first, second)) return;
  const ended = trial.endedBetween(node, first.index, second.index);
  const settled = trial.settledAt(trial.nodeOf(node)?.queue ?? 0, reader, id);
  if (settled !== undefined && settled < second.index) {
    const kind = "once-per-node: again after it was settled";
    yield { kind, message: `${twice}, though it was settled.`, lines: [...lines, settled] };
  } else if (ended === "clean" && !mayBeLeft(trial, first, second)) {
    yield { kind: "once-per-node: again after a clean stop", message: `${twice}.`, lines };
  } else if (ended === undefined && !trial.wentWrongBetween(node, first.index, second.index)) {
    yield { kind: "once-per-node: twice", message: `${twice} in one life.`, lines };
  } else if (!second.redelivered && !isUnknown(trial, first)) {
    yield { kind: "once-per-node: not flagged", message: `${twice}, not flagged.`, lines };
  }
}

/** Whether a clean stop between may have left it unsettled. */
function mayBeLeft(trial: Trial, first: EntryOf<"got">, second: EntryOf<"got">): boolean {
  return (
    trial.hasSaidSoBetween(first.node, first.index, second.index) ||
    trial.waitedForStop(first, first.index, second.index)
  );
}

/** Whether a handler in a later process has published it again: that one's bus had not had it. */
function isPublishedAgain(trial: Trial, first: EntryOf<"got">, second: EntryOf<"got">): boolean {
  return first.life !== second.life && isChildOf(trial, second);
}

/** Whether only the bus that has ended knew that it had it: a handler published it there, and another process stored it. */
function isUnknown(trial: Trial, first: EntryOf<"got">): boolean {
  const stored = trial.stored.find(({ id }) => id === first.id);
  return stored?.by !== `${first.node}#${first.life}` && isChildOf(trial, first);
}

/** Whether a handler of its process had published it before it came. */
function isChildOf(trial: Trial, { node, life, tag, index }: EntryOf<"got">): boolean {
  return trial.of("publish").some((publish) => {
    const isHere = publish.node === node && publish.life === life && publish.index < index;
    return isHere && publish.tag === tag && publish.parent !== undefined;
  });
}

/** Where each reader that is there at the end began: a named node when it first started. */
function beginnings(trial: Trial): EntryOf<"started">[] {
  const last = new Map<string, EntryOf<"started">>();
  for (const entry of trial.of("started")) {
    const reader = trial.readerOf(entry);
    if (trial.nodeOf(entry.node)?.isNamed !== true) {
      // It begins anew at each start, and only the last one is there at the end.
      for (const other of last.keys()) if (other.startsWith(`${entry.node}#`)) last.delete(other);
      last.set(reader, entry);
    } else if (!last.has(reader)) last.set(reader, entry);
  }
  return [...last.values()];
}
