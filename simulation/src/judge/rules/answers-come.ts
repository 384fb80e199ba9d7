import type { Complaint, Trial } from "../trial.ts";

/** How long before the end of a wait its answer must have been stored: by then it would have come. */
const IN_TIME_MS = 5_000;

/** Whoever waits for an answer that is in the log gets it, unless its node is on its way out. */
export function* answersCome(trial: Trial): Generator<Complaint> {
  const got = trial.of("got");
  for (const { node, tag, since, came, at, index, for: topic } of trial.of("waited")) {
    if (came) continue;
    const answer = trial.stored.find(
      (event) =>
        event.tag.startsWith(`${tag}/`) &&
        !event.tag.includes("/", tag.length + 1) &&
        event.type === topic.replace(".", "_").toUpperCase(),
    );
    if (!answer || answer.at > at - IN_TIME_MS) continue;
    // An earlier life had it, and its history is gone.
    if (got.some((entry) => entry.node === node && entry.id === answer.id && entry.at < since)) {
      continue;
    }
    const isOnItsWayOut = trial.entries.some(
      (entry) =>
        entry.node === node &&
        entry.at >= since &&
        entry.at <= at &&
        (entry.what === "stopping" || entry.what === "fault"),
    );
    if (isOnItsWayOut) continue;
    const message = `${node} waited for the answer to ${tag} in vain, and it is in the log.`;
    yield { kind: "answers-come: in vain", message, lines: [answer.index, index] };
  }
}
