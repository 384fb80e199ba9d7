import { Random } from "../time/random.ts";
import { childrenOf, workAttempts } from "./generate-handlers.ts";
import { generateSteps } from "./generate-steps.ts";
import type { Faults, NodePlan, Scenario, SubscriberPlan, WorkPlan } from "./scenario.ts";
import { RANKS } from "./topics.ts";

/** What a seed's scenario is made with. */
export interface Generation {
  readonly random: Random;
}

/** Makes the scenario of a seed. */
export function generate(seed: number): Scenario {
  const random = new Random(seed);
  const generation = { random };
  const queues = random.chance(25) ? random.pick([2, 2, 3]) : 1;
  const nodes = generateNodes(queues, generation);
  const subscribers = [
    ...nodes.flatMap((node) => subscribersOf(node, generation)),
    ...askAndAnswer(nodes, generation),
  ];
  return {
    schedule: random.between(1, 1_000_000_000),
    queues,
    faults: generateFaults(generation),
    nodes,
    subscribers,
    work: generateWork(nodes, generation),
    steps: generateSteps({ nodes, subscribers }, generation),
  };
}

/** With several queues, one whose process bridges them, and another where there are enough nodes. */
function generateNodes(queues: number, { random }: Generation): NodePlan[] {
  const count = random.pick([1, 2, 2, 2, 3, 3, 4]);
  return Array.from({ length: queues > 1 ? Math.max(count, 3) : count }, (_, index): NodePlan => {
    const isNamed = random.chance(80);
    const queue = random.between(0, queues - 1);
    const isBridge = queues > 1 && (index === 0 || (index === 3 && random.chance(50)));
    const name = "abcd"[index] ?? "a";
    if (!isBridge) return { name, isNamed, queue };
    const to = Array.from({ length: queues }, (_, each) => each).filter((each) => each !== queue);
    // One that is shared, or one that is redundant.
    return { name, isNamed, queue, bridge: { name: random.pick(["joint", name]), to } };
  });
}

function generateFaults({ random }: Generation): Faults {
  const isFaulty = random.chance(35);
  const refused = random.pick([0, 5, 20, 60]);
  const lost = random.pick([0, 5, 20]);
  const slow = random.pick([0, 10, 40]);
  return {
    slow,
    refused: isFaulty ? refused : 0,
    lost: isFaulty ? lost : 0,
  };
}

function subscribersOf(node: NodePlan, generation: Generation): SubscriberPlan[] {
  const { random } = generation;
  return Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, (_, index) => {
    const topic = random.pick([...RANKS[0], ...RANKS[0], ...RANKS[1]]);
    return {
      name: `${node.name}${index + 1}`,
      node: node.name,
      topic,
      actions: childrenOf(topic, generation),
    };
  });
}

/** One that waits for the answer to its event, and one that answers. */
function askAndAnswer(nodes: readonly NodePlan[], { random }: Generation): SubscriberPlan[] {
  const asks = random.pick(nodes);
  const answers = random.pick(nodes);
  if (!random.chance(20)) return [];
  const topic = "job.asked";
  const answer = {
    do: "publish",
    label: "1",
    via: "events",
    topic: "job.done",
    isAwaited: true,
  } as const;
  return [
    { name: "asks", node: asks.name, topic, actions: [{ do: "await", topic: "job.done" }] },
    { name: "answers", node: answers.name, topic, actions: [answer] },
  ];
}

function generateWork(nodes: readonly NodePlan[], generation: Generation): WorkPlan[] {
  const { random } = generation;
  return Array.from({ length: random.pick([0, 1, 1, 2]) }, (_, index): WorkPlan => {
    const topics = random.some([...RANKS[0], ...RANKS[1]], 40);
    const [first = "order.placed"] = topics;
    const laterTopics = random.some([...RANKS[0], ...RANKS[1]], 40);
    // What its handler publishes is for no version of itself.
    const isOfOne = [...topics, ...laterTopics].every((topic) => topic === first);
    const { queue } = random.pick(nodes);
    const members = nodes.filter((node) => node.queue === queue);
    return {
      group: `work-${index + 1}`,
      queue,
      nodes: random.some(members, 60).map(({ name }) => name),
      topics,
      concurrency: random.pick([1, 1, 2, 5]),
      maxAttempts: random.pick([2, 3, 5]),
      leaseMs: random.pick([900, 3_000, 30_000]),
      laterTopics,
      laterMaxAttempts: random.pick([2, 3, 5]),
      attempts: workAttempts(isOfOne ? first : "order.paid", generation),
    };
  });
}
