import type { EntryOf } from "../../ledger.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";

/** Events of one key come one after another, in the order of the log, in every work group and on every other node. */
export function* keyOrder(trial: Trial): Generator<Complaint> {
  const byId = new Map(trial.stored.map((event) => [`${event.queue} ${event.id}`, event]));
  const byKey = groupBy(
    trial.stored.filter(({ key }) => key !== undefined),
    ({ queue, key }) => `${queue} ${key}`,
  );
  const before = (event: EntryOf<"stored">): EntryOf<"stored">[] =>
    (byKey.get(`${event.queue} ${event.key}`) ?? []).filter(
      ({ position }) => position < event.position,
    );
  const own = new Set(trial.of("publish").map(({ node, life, tag }) => `${node}#${life} ${tag}`));
  const begins = trial.of("begin").filter(({ group }) => group !== undefined);
  const worked = new Set(begins.map(({ queue, group, id }) => `${queue} ${group} ${id}`));
  for (const { queue, group = "", id, index } of begins) {
    const event = byId.get(`${queue} ${id}`);
    if (event?.key === undefined) continue;
    for (const earlier of before(event)) {
      if (!worked.has(`${queue} ${group} ${earlier.id}`)) continue;
      yield* judge(trial, group, { earlier, later: event, index });
    }
  }
  for (const delivery of trial.of("got")) {
    const queue = trial.nodeOf(delivery.node)?.queue;
    if (queue !== undefined) {
      const event = byId.get(`${queue} ${delivery.id}`);
      if (event?.key === undefined || own.has(`${delivery.node}#${delivery.life} ${event.tag}`)) {
        continue;
      }
      const reader = trial.readerOf(delivery);
      for (const earlier of before(event)) {
        // What came before it began to read is nothing to it.
        if (trial.settledAt(queue, reader, earlier.id) === undefined) continue;
        yield* judge(trial, reader, { earlier, later: event, index: delivery.index });
      }
    }
  }
}

function* judge(
  trial: Trial,
  group: string,
  pair: { earlier: EntryOf<"stored">; later: EntryOf<"stored">; index: number },
): Generator<Complaint> {
  const { earlier, later, index } = pair;
  const settled = trial.settledAt(later.queue, group, earlier.id);
  if (settled !== undefined && settled < index) return;
  if (trial.isDoneWith(group, earlier.type, { from: earlier.index, to: index })) return;
  const message = `${group} began with ${later.id} before ${earlier.id} of the same key was settled.`;
  yield { kind: "key-order: overtaken", message, lines: [earlier.index, index] };
}
