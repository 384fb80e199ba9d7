import type { EntryOf } from "../../ledger.ts";
import type { Complaint, Trial } from "../trial.ts";

/** What one queue stores while there is a node that bridges it and another, the other has at last, with its id and key. */
export function* bridged(trial: Trial): Generator<Complaint> {
  const stored = new Map(trial.stored.map((event) => [`${event.queue} ${event.id}`, event]));
  for (const { name, queues } of trial.scenario.nodes) {
    const start = trial.of("started").find(({ node }) => node === name);
    if (!start || queues.length < 2) continue;
    for (const event of trial.stored) {
      const { queue, id, position, index } = event;
      if (!queues.includes(queue) || position <= (start.newest[queue] ?? 0)) continue;
      for (const other of queues) {
        const copy = stored.get(`${other} ${id}`);
        yield* judge(event, copy, { other, lines: copy ? [index, copy.index] : [index] });
      }
    }
  }
}

function* judge(
  { id, queue, key, tag }: EntryOf<"stored">,
  copy: EntryOf<"stored"> | undefined,
  { other, lines }: { other: number; lines: number[] },
): Generator<Complaint> {
  if (!copy) {
    const message = `${id} (${tag}) went from queue ${queue} to ${other} at no time.`;
    yield { kind: "bridged: missing", message, tag, lines };
  } else if (copy.key !== key) {
    const message = `${id} (${tag}) has the key ${key} in queue ${queue}, and ${copy.key} in ${other}.`;
    yield { kind: "bridged: key", message, tag, lines };
  }
}
