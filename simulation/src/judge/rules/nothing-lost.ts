import { type EntryOf, isByBus } from "../../ledger.ts";
import type { Complaint, Trial } from "../trial.ts";
import { isAfterCutStop } from "../after-stop.ts";

/**
 * What a publish said it has stored is in the log, and what it said it will, unless its process crashed or left something.
 * What a durable publish did not store reaches no bus.
 */
export function* nothingLost(trial: Trial): Generator<Complaint> {
  const stored = new Set(trial.stored.map(({ queue, tag }) => `${queue} ${tag}`));
  const results = new Map(
    trial.of("published").map((entry) => [`${entry.node} ${entry.life} ${entry.tag}`, entry]),
  );
  const got = new Set(trial.of("got").map(({ tag }) => tag));
  for (const publish of trial.of("publish")) {
    const { node, life, tag, queue, index, via, parent } = publish;
    if (stored.has(`${queue} ${tag}`)) continue;
    const result = results.get(`${node} ${life} ${tag}`);
    const lines = result ? [index, result.index] : [index];
    // It stays in its process, which says so.
    if (parent !== undefined && result?.outcome !== "stored" && isAfterCutStop(trial, publish)) {
      continue;
    }
    const isDurable = via === "events" || via === "emitter" || via === "queue";
    if (isDurable && got.has(tag)) {
      const message = `A bus got ${tag}, which no log has.`;
      yield { kind: "nothing-lost: not stored", message, lines };
    }
    const outcome = result?.outcome ?? "nothing";
    const mustBeThere = outcome === "stored" || outcome === "known";
    if (wasOnItsWayOut(trial, publish)) continue;
    if (!mustBeThere && (outcome === "refused" || mayBeLost(trial, publish))) continue;
    const message = `${tag} is in no log, and its publish came to ${outcome}.`;
    yield { kind: `nothing-lost: ${outcome}`, message, lines };
  }
}

/** What is published on a bus when the time of a stop is over, or almost, is nobody's to store. */
function wasOnItsWayOut(trial: Trial, { via, node, life, index }: EntryOf<"publish">): boolean {
  if (!isByBus(via)) return false;
  const isStopping = trial
    .of("stopping")
    .some((entry) => entry.node === node && entry.life === life && entry.index < index);
  return isStopping && trial.endedBetween(node, index, Number.POSITIVE_INFINITY) === "unclean";
}

function mayBeLost(trial: Trial, { node, index }: EntryOf<"publish">): boolean {
  const ended = trial.endedBetween(node, index, Number.POSITIVE_INFINITY);
  return ended === "crash" || ended === "unclean";
}
