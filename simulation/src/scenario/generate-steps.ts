import { isByBus } from "../ledger.ts";
import type { Generation as Given } from "./generate.ts";
import { viasOf } from "./generate-handlers.ts";
import type { NodePlan, Step, SubscriberPlan } from "./scenario.ts";
import { RANKS, type Topic } from "./topics.ts";

/** What steps are made with. */
interface Generation extends Given {
  /** The topics that a node's subscribers hear. */
  readonly heardOn: (node: string) => readonly Topic[];
}

/** What is done to the nodes. */
export function generateSteps(
  { nodes, subscribers }: { nodes: readonly NodePlan[]; subscribers: readonly SubscriberPlan[] },
  given: Given,
): Step[] {
  const heardOn = (node: string): Topic[] =>
    subscribers.filter((plan) => plan.node === node).map(({ topic }) => topic);
  const generation = { ...given, heardOn };
  const { random } = generation;
  const starts = nodes.map(({ name: node }): Step => {
    return { waitMs: random.pick([0, 0, 5]), do: "start", node };
  });
  const asks = subscribers.find(({ name }) => name === "asks");
  // As many as run at once on a bus, and more.
  const count = random.between(12, 24);
  const burst = { waitMs: 300, do: "publish", topic: "job.asked", via: "events", count } as const;
  const hasBurst = random.chance(30);
  const bursts: Step[] = asks && hasBurst ? [{ ...burst, node: asks.node }] : [];
  const length = random.between(3, 16);
  const steps = Array.from({ length }, () => generateStep(nodes, generation)).flat();
  return [...starts, ...bursts, ...steps];
}

function generateStep(nodes: readonly NodePlan[], generation: Generation): Step[] {
  const { random } = generation;
  const plan = random.pick(nodes);
  const { name: node } = plan;
  const waitMs = random.pick([0, 0, 1, 3, 10, 30, 200, 2_500]);
  const drawn = random.between(1, 100);
  const afterTasks = random.between(0, 40);
  const limitMs = random.pick([undefined, undefined, undefined, 0, 10, 200]);
  const version = random.pick([1, 2, 2] as const);
  const start: Step[] = [{ waitMs: random.pick([0, 1, 20, 300]), do: "start", node }];
  if (random.chance(60)) start.push({ waitMs: 0, do: "await-start", node });
  const back = random.chance(70) ? start : [];
  // In the middle of something.
  const last = random.chance(40) ? [generatePublish(plan, waitMs, generation)] : [];
  const endMs = last.length > 0 ? random.pick([0, 1, 3]) : waitMs;
  if (drawn <= 60) return [generatePublish(plan, waitMs, generation)];
  if (drawn <= 75) return [...last, { waitMs: endMs, do: "crash", node, afterTasks }, ...back];
  if (drawn <= 82) return [...last, { waitMs: endMs, do: "stop", node, limitMs }, ...back];
  if (drawn <= 91) return [...last, { waitMs: endMs, do: "close", node, limitMs }, ...back];
  if (drawn <= 95) {
    return [{ waitMs, do: "deploy", node, version }, { waitMs: 0, do: "close", node }, ...back];
  }
  if (drawn <= 98) {
    const forMs = random.pick([20, 200, 2_000]);
    const publishes = Array.from({ length: 3 }, () => generatePublish(plan, 0, generation));
    return [{ waitMs, do: "outage", node, forMs }, ...publishes];
  }
  return [{ waitMs, do: "start", node }];
}

function generatePublish(node: NodePlan, waitMs: number, generation: Generation): Step {
  const { random } = generation;
  const any = random.pick([...RANKS[0], ...RANKS[0], ...RANKS[1]]);
  // Something happens on the node itself.
  const heard = generation.heardOn(node.name);
  const topic = heard.length > 0 && random.chance(50) ? random.pick(heard) : any;
  const via = random.pick(viasOf(topic));
  const key = random.chance(35) ? random.pick(["k1", "k2"]) : undefined;
  const count = random.pick([1, 1, 1, 2, 3]);
  return {
    waitMs,
    do: "publish",
    node: node.name,
    topic,
    via,
    count,
    ...(!isByBus(via) && { key }),
  };
}
