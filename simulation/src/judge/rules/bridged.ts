import type { EntryOf } from "../../ledger.ts";
import type { Complaint, Trial } from "../trial.ts";

/**
 * What one queue stores, each queue that a bridge joins to it has at last, with its id and key; and a bridge settles
 * nothing before the other queue has it.
 */
export function* bridged(trial: Trial): Generator<Complaint> {
  const stored = new Map(trial.stored.map((event) => [`${event.queue} ${event.id}`, event]));
  for (const { name, queue: home, bridge } of trial.scenario.nodes) {
    if (!bridge || !trial.of("started").some(({ node }) => node === name)) continue;
    const queues = [home, ...bridge.to];
    for (const event of trial.stored) {
      const { queue, id, index } = event;
      if (!queues.includes(queue)) continue;
      for (const other of queues) {
        const copy = stored.get(`${other} ${id}`);
        yield* judge(event, copy, { other, lines: copy ? [index, copy.index] : [index] });
      }
    }
  }
  for (const { group, id, index } of trial.of("settled")) {
    const target = bridgeTarget(group);
    if (target === undefined) continue;
    const copy = stored.get(`${target} ${id}`);
    if (copy && copy.index < index) continue;
    const message = `${group} settled ${id} before queue ${target} had it.`;
    yield { kind: "bridged: settled early", message, lines: [index] };
  }
}

/** To which queue a group carries; `undefined` for one of no bridge. */
export function bridgeTarget(group: string): number | undefined {
  const [, target] = /^bridge:.*:(\d+)$/.exec(group) ?? [];
  return target === undefined ? undefined : Number(target);
}

function* judge(
  { id, queue, key, tag }: EntryOf<"stored">,
  copy: EntryOf<"stored"> | undefined,
  { other, lines }: { other: number; lines: number[] },
): Generator<Complaint> {
  if (!copy) {
    const message = `${id} (${tag}) went from queue ${queue} to ${other} at no time.`;
    yield { kind: "bridged: missing", message, lines };
  } else if (copy.key !== key) {
    const message = `${id} (${tag}) has the key ${key} in queue ${queue}, and ${copy.key} in ${other}.`;
    yield { kind: "bridged: key", message, lines };
  }
}
