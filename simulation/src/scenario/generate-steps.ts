import { isByBus } from "../ledger.ts";
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
  const { random, has } = generation;
  const { name: node } = random.pick(nodes);
  const waitMs = random.pick([0, 0, 1, 3, 10, 30, 200, 2_500]);
  const drawn = random.between(1, 100);
  const afterTasks = random.between(0, 40);
  const limitMs = random.pick([undefined, undefined, undefined, 0, 10, 200]);
  const version = random.pick([1, 2, 2] as const);
  const start: Step[] = [{ waitMs: random.pick([0, 1, 20, 300]), do: "start", node }];
  if (random.chance(60)) start.push({ waitMs: 0, do: "await-start", node });
  const back = random.chance(70) ? start : [];
  if (drawn <= 60) return [generatePublish(node, waitMs, generation)];
  if (drawn <= 75) return [{ waitMs, do: "crash", node, afterTasks }, ...back];
  if (drawn <= 82) return [{ waitMs, do: "stop", node, limitMs }, ...back];
  if (drawn <= 91) return [{ waitMs, do: "close", node, limitMs }, ...back];
  if (drawn <= 95 && has("deploy")) {
    return [{ waitMs, do: "deploy", node, version }, { waitMs: 0, do: "close", node }, ...back];
  }
  return [{ waitMs, do: "start", node }];
}

function generatePublish(node: string, waitMs: number, generation: Generation): Step {
  const { random, has } = generation;
  const topic = random.pick([...RANKS[0], ...RANKS[0], ...RANKS[1]]);
  const via = random.pick(viasOf(topic));
  const key = random.chance(35) ? random.pick(["k1", "k2"]) : undefined;
  const drawn = random.pick([1, 1, 1, 2, 3]);
  // As many as run at once on a bus, and more.
  const isBurst = random.chance(4) && has("bursts");
  const count = isBurst ? random.between(12, 24) : drawn;
  return { waitMs, do: "publish", node, topic, via, count, ...(!isByBus(via) && { key }) };
}
