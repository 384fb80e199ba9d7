import type { EntryOf } from "../../ledger.ts";
import type { Complaint, Trial } from "../trial.ts";

/** How long before the end of a wait its answer must have been stored: by then it would have come. */
const IN_TIME_MS = 5_000;
/** Of what a node reads. */
const LEASE_MS = 30_000;

/** Events from elsewhere, or from a life before, whose handlers run at once on a bus. */
const PLACES = 16;

/**
 * Whoever waits for an answer that is in the log gets it, unless its node is on its way out, or so many handlers of events
 * that came from the queue wait that nothing more comes, or the answer has its turn after an event of its key.
 */
export function* answersCome(trial: Trial): Generator<Complaint> {
  const got = trial.of("got");
  for (const waited of trial.of("waited")) {
    const { node, tag, since, came, at, index, for: topic } = waited;
    if (came) continue;
    const answer = trial.stored.find(
      (event) =>
        event.queue === trial.nodeOf(node)?.queue &&
        event.tag.startsWith(`${tag}/`) &&
        !event.tag.includes("/", tag.length + 1) &&
        event.type === topic.replace(".", "_").toUpperCase(),
    );
    if (!answer || answer.at > at - IN_TIME_MS) continue;
    if (isHeldByTheDead(trial, waited, answer) || isBeforeItReads(trial, waited, answer)) continue;
    // An earlier life had it, and its history is gone.
    if (got.some((entry) => entry.node === node && entry.id === answer.id && entry.at < since)) {
      continue;
    }
    const isOnItsWayOut =
      isStopping(trial, waited) || trial.wentWrongBetween(node, startOf(trial, since), index);
    if (isOnItsWayOut || isFull(trial, waited, answer) || waitsForItsKey(trial, waited, answer)) {
      continue;
    }
    const message = `${node} waited for the answer to ${tag} in vain, and it is in the log.`;
    yield { kind: "answers-come: in vain", message, lines: [answer.index, index] };
  }
}

/** Whether events that came from the queue had all places from when the answer could have come to the end of the wait. */
function isFull(trial: Trial, waited: EntryOf<"waited">, answer: EntryOf<"stored">): boolean {
  const { node, life, index, at, since } = waited;
  const from = Math.max(answer.at, since);
  const process = `${node}#${life}`;
  const own = new Set(trial.stored.filter(({ by }) => by === process).map(({ id }) => id));
  const isOfIt = (entry: { node: string; life: number }): boolean =>
    entry.node === node && entry.life === life;
  const ends = trial.of("end").filter(isOfIt);
  const begins = trial.of("begin").filter((begin) => isOfIt(begin) && begin.group === undefined);
  const running = begins.filter(({ id, handler, ...begin }) => {
    if (own.has(id) || begin.index > index || begin.at > at - IN_TIME_MS) return false;
    if (begin.at > from + IN_TIME_MS) return false;
    return !ends.some(
      (end) => end.id === id && end.handler === handler && end.at < at - IN_TIME_MS,
    );
  });
  return new Set(running.map(({ id }) => id)).size >= PLACES;
}

/** Whether a life of the node that crashed may have leased the answer, for longer than the wait. */
function isHeldByTheDead(
  trial: Trial,
  { node, index, at }: EntryOf<"waited">,
  answer: EntryOf<"stored">,
): boolean {
  return trial.of("crash").some((crash) => {
    const isBetween = crash.index > answer.index && crash.index < index;
    return crash.node === node && isBetween && crash.at + LEASE_MS > at - IN_TIME_MS;
  });
}

/** Whether it was stored before the node's first start was done: where that begins to read, it may be the past. */
function isBeforeItReads(
  trial: Trial,
  waited: EntryOf<"waited">,
  answer: EntryOf<"stored">,
): boolean {
  const reader = trial.readerOf(waited);
  const first = trial.of("started").find((entry) => trial.readerOf(entry) === reader);
  return first === undefined || first.index > answer.index;
}

/** Whether an earlier event of the answer's key was not settled in time. */
function waitsForItsKey(
  trial: Trial,
  waited: EntryOf<"waited">,
  { queue, key, position }: EntryOf<"stored">,
): boolean {
  const reader = trial.readerOf(waited);
  const inTime = startOf(trial, waited.at - IN_TIME_MS);
  return trial.stored.some((earlier) => {
    const isBefore = earlier.queue === queue && earlier.position < position;
    if (key === undefined || earlier.key !== key || !isBefore) return false;
    const settled = trial.settledAt(queue, reader, earlier.id);
    return settled !== undefined && settled > inTime;
  });
}

/** Whether a node was stopping at some time while a handler waited. */
function isStopping(trial: Trial, { node, life, since, index }: EntryOf<"waited">): boolean {
  const isOfIt = (entry: { node: string; life: number }): boolean =>
    entry.node === node && entry.life === life;
  const stopping = trial.of("stopping").findLast((entry) => isOfIt(entry) && entry.index < index);
  if (!stopping) return false;
  const stopped = trial.of("stopped").find((end) => isOfIt(end) && end.index > stopping.index);
  return stopped === undefined || stopped.at >= since;
}

/** The first line of a moment. */
function startOf(trial: Trial, at: number): number {
  return trial.entries.findIndex((entry) => entry.at >= at) - 1;
}
