import { isByBus, type Via } from "../ledger.ts";
import type { Generation } from "./generate.ts";
import type { Action } from "./scenario.ts";
import { laterThan, STAGES, type Topic } from "./topics.ts";

const EVERY_VIA: readonly Via[] = ["events", "emitter", "bus", "sync", "queue"];

/** How a topic may be published. */
export function viasOf(topic: Topic): readonly Via[] {
  return topic in STAGES ? [...EVERY_VIA, "stages", "stages"] : EVERY_VIA;
}

/** What a subscriber of a bus does with an event of a topic. */
export function childrenOf(topic: Topic, generation: Generation): Action[] {
  const { random } = generation;
  const actions = publishes(topic, generation, random.pick([0, 1, 1, 2]));
  if (random.chance(30)) actions.splice(random.between(0, actions.length), 0, pause(generation));
  if (random.chance(15)) actions.push({ do: "fail" });
  return actions;
}

/** What a work handler does at its attempts. */
export function workAttempts(topic: Topic, generation: Generation): Action[][] {
  const { random } = generation;
  const first = publishes(topic, generation, random.pick([0, 1, 1, 2, 3]));
  if (random.chance(40)) first.splice(random.between(0, first.length), 0, pause(generation));
  const failures = random.pick([0, 0, 0, 1, 1, 2, 9]);
  const attempts: Action[][] = Array.from({ length: Math.min(failures, 5) }, () => [
    // It fails somewhere in between.
    ...first.slice(0, random.between(0, first.length)),
    { do: "fail" },
  ]);
  const isDead = failures === 9;
  const takesAnotherPath = random.chance(30);
  const other = random.pick([random.some(first, 50), first.slice(1), first.toReversed()]);
  const last = takesAnotherPath && first.length > 0 ? other : first;
  return isDead ? attempts : [...attempts, last];
}

function publishes(topic: Topic, generation: Generation, count: number): Action[] {
  const { random } = generation;
  const favourite = random.pick(laterThan(topic));
  return Array.from({ length: count }, (_, index): Action => {
    const child = random.chance(50) ? favourite : random.pick(laterThan(topic));
    const via = random.pick(viasOf(child));
    const key = random.chance(25) ? random.pick(["k1", "k2"]) : undefined;
    const isAwaited = random.chance(85);
    return {
      do: "publish",
      label: String(index + 1),
      topic: child,
      via,
      isAwaited,
      ...(key !== undefined && !isByBus(via) && { key }),
    };
  });
}

function pause({ random }: Generation): Action {
  return { do: "sleep", ms: random.pick([1, 5, 5, 30, 100, 1_500]) };
}
