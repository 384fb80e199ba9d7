import type { Generation } from "./generate.ts";
import { viasOf } from "./generate-handlers.ts";
import type { NodePlan, Step } from "./scenario.ts";
import { RANKS } from "./topics.ts";

/** What is done to the nodes. */
export function generateSteps(nodes: readonly NodePlan[], generation: Generation): Step[] {
  const { random } = generation;
  const starts = nodes.map(({ name: node }): Step => {
    return { waitMs: random.pick([0, 0, 5]), do: "start", node };
  });
  const length = random.between(3, 16);
  return [...starts, ...Array.from({ length }, () => generateStep(nodes, generation)).flat()];
}

function generateStep(nodes: readonly NodePlan[], generation: Generation): Step[] {
  const { random } = generation;
  const { name: node } = random.pick(nodes);
  const waitMs = random.pick([0, 0, 1, 3, 10, 30, 200, 2_500]);
  const drawn = random.between(1, 100);
  const afterTasks = random.between(0, 40);
  const limitMs = random.pick([undefined, undefined, undefined, 0, 10, 200]);
  const restartMs = random.pick([0, 1, 20, 300]);
  const isBack = random.chance(70);
  const back: Step[] = isBack ? [{ waitMs: restartMs, do: "start", node }] : [];
  if (drawn <= 60) return [generatePublish(node, waitMs, generation)];
  if (drawn <= 75) return [{ waitMs, do: "crash", node, afterTasks }, ...back];
  if (drawn <= 83) return [{ waitMs, do: "stop", node, limitMs }, ...back];
  if (drawn <= 93) return [{ waitMs, do: "close", node, limitMs }, ...back];
  return [{ waitMs, do: "start", node }];
}

function generatePublish(node: string, waitMs: number, { random }: Generation): Step {
  const topic = random.pick([...RANKS[0], ...RANKS[0], ...RANKS[1]]);
  const via = random.pick(viasOf(topic));
  const key = random.chance(35) ? random.pick(["k1", "k2"]) : undefined;
  const isByBus = via === "bus" || via === "sync" || via === "stages";
  const count = random.pick([1, 1, 1, 2, 3]);
  return { waitMs, do: "publish", node, topic, via, count, ...(!isByBus && { key }) };
}
