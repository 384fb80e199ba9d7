import type { Complaint, Trial } from "../trial.ts";

/** An event names as its cause the event in whose handler it was published, and belongs to the same trail, everywhere. */
export function* rightCauses(trial: Trial): Generator<Complaint> {
  const parents = new Map(trial.of("publish").map(({ tag, parent }) => [tag, parent]));
  const isSync = new Set(
    trial
      .of("publish")
      .filter(({ via }) => via === "sync")
      .map(({ tag }) => tag),
  );
  const idsOf = new Map<string, Set<string>>();
  const trailOf = new Map<string, string>();
  for (const { tag, id, correlation } of [...trial.stored, ...trial.of("got")]) {
    const ids = idsOf.get(tag) ?? new Set();
    idsOf.set(tag, ids.add(id));
    trailOf.set(id, correlation);
  }
  for (const entry of [...trial.stored, ...trial.of("got"), ...trial.of("begin")]) {
    const { id, tag, causation, correlation, index } = entry;
    const parent = parents.get(tag);
    // What was published so that nobody waits for its handlers is nobody's cause after their first await.
    if (parent !== undefined && isSync.has(parent)) continue;
    const lines = [index];
    const isRight =
      parent === undefined
        ? causation === undefined
        : causation !== undefined && idsOf.get(parent)?.has(causation) === true;
    if (!isRight) {
      const message = `${id} (${tag}) was caused by ${causation ?? "nothing"}, not by ${parent ?? "nothing"}.`;
      yield { kind: "right-causes: cause", message, lines };
    }
    const trail = causation === undefined ? id : trailOf.get(causation);
    if (trail !== undefined && trail !== correlation) {
      const message = `${id} (${tag}) belongs to the trail of ${correlation}, not of ${trail}.`;
      yield { kind: "right-causes: trail", message, lines };
    }
  }
}
