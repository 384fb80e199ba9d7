import { isByBus } from "../ledger.ts";
import type { Generation } from "./generate.ts";
import { viasOf } from "./generate-handlers.ts";
import type { NodePlan, Step, SubscriberPlan } from "./scenario.ts";
import { RANKS } from "./topics.ts";

/** What is done to the nodes. */
export function generateSteps(
  { nodes, subscribers }: { nodes: readonly NodePlan[]; subscribers: readonly SubscriberPlan[] },
  generation: Generation,
): Step[] {
  const { random } = generation;
  const starts = nodes.map(({ name: node }): Step => {
    return { waitMs: random.pick([0, 0, 5]), do: "start", node };
  });
  const asks = subscribers.find(({ name }) => name === "asks");
  // As many as run at once on a bus, and more.
  const count = random.between(12, 24);
  const burst = { waitMs: 300, do: "publish", topic: "job.asked", via: "events", count } as const;
  const hasBurst = random.chance(30) && generation.has("bursts");
  const bursts: Step[] = asks && hasBurst ? [{ ...burst, node: asks.node }] : [];
  const length = random.between(3, 16);
  const steps = Array.from({ length }, () => generateStep(nodes, generation)).flat();
  return [...starts, ...bursts, ...steps];
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
  if (drawn <= 98 && has("outages")) {
    const forMs = random.pick([20, 200, 2_000]);
    const publishes = Array.from({ length: 3 }, () => generatePublish(node, 0, generation));
    return [{ waitMs, do: "outage", node, forMs }, ...publishes];
  }
  return [{ waitMs, do: "start", node }];
}

function generatePublish(node: string, waitMs: number, generation: Generation): Step {
  const { random } = generation;
  const topic = random.pick([...RANKS[0], ...RANKS[0], ...RANKS[1]]);
  const via = random.pick(viasOf(topic));
  const key = random.chance(35) ? random.pick(["k1", "k2"]) : undefined;
  const count = random.pick([1, 1, 1, 2, 3]);
  return { waitMs, do: "publish", node, topic, via, count, ...(!isByBus(via) && { key }) };
}
