import { openNatsQueue } from "@ringrift/nats-queue";
import { payload } from "../queue/payload.ts";
import type { SampledCandidate, SampledScenario, Sampler } from "../runner/scenario.ts";
import { port } from "./server.ts";

const EVENTS = 2_000;
const BATCH = 500;
const CONCURRENCY = 16;

/** What is consumed, and by whom. */
interface Load {
  readonly groups: number;
  readonly types: number;
  /** Whether groups name their types. */
  readonly isNamed?: boolean;
  /** Each of them is handled by every group. */
  readonly events: number;
}

const groups = [1, 10, 100].map((count) =>
  candidate(`${count} ${count === 1 ? "group" : "groups"}`, {
    groups: count,
    types: 1,
    events: Math.max(EVENTS / count, 50),
  }),
);
const types = [1, 100, 10_000].map((count) =>
  candidate(`${count.toLocaleString("en")} ${count === 1 ? "type" : "types"}`, {
    groups: 1,
    types: count,
    events: EVENTS,
  }),
);
const wanted = [false, true].map((isNamed) =>
  candidate(isNamed ? "a group of 1,000 types" : "a group of all types", {
    groups: 1,
    types: 1_000,
    isNamed,
    events: EVENTS,
  }),
);

/** What many groups and many types cost. */
export const scaleScenarios: readonly SampledScenario[] = [
  scenario(
    "groups",
    "consume with 1, 10 and 100 groups",
    "One event handled by one group.",
    groups,
  ),
  scenario("types", "consume 1, 100 and 10,000 types", "One event handled.", types),
  scenario("wanted-types", "consume by a group of 1,000 types", "One event handled.", wanted),
];

function scenario(
  id: string,
  title: string,
  operation: string,
  candidates: readonly SampledCandidate[],
): SampledScenario {
  return {
    kind: "sampled",
    id,
    title,
    operation,
    base: candidates[0]?.name ?? "",
    candidates,
    targets: [],
  };
}

function candidate(name: string, load: Load): SampledCandidate {
  return { name, open: () => open(name.replaceAll(/\W/g, "-"), load) };
}

async function open(stream: string, load: Load): Promise<Sampler> {
  const queue = await openNatsQueue({ servers: `127.0.0.1:${port()}`, stream });
  const names = Array.from({ length: load.types }, (_, n) => `TICK_${n}`);
  const eventTypes = load.isNamed === true ? names : undefined;
  const groupNames = Array.from({ length: load.groups }, (_, n) => `group-${n}`);
  for (const name of groupNames) await queue.group(name, { eventTypes }).ensure();
  const send = async (): Promise<void> => {
    const events = Array.from({ length: load.events }, (_, n) => ({
      type: names[n % names.length] ?? "",
      payload,
    }));
    for (let sent = 0; sent < events.length; sent += BATCH) {
      await queue.sendMany(events.slice(sent, sent + BATCH));
    }
  };
  const sample = async (): Promise<number> => {
    // So that there is something to handle; not timed.
    await send();
    const left = load.events * load.groups;
    const { promise, resolve } = Promise.withResolvers<void>();
    let handled = 0;
    const began = performance.now();
    const consumers = groupNames.map((group) =>
      queue.consume({ group, eventTypes, concurrency: CONCURRENCY }, () => {
        handled += 1;
        if (handled === left) resolve();
      }),
    );
    await promise;
    const took = performance.now() - began;
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    return (took * 1e6) / left;
  };
  await sample();
  return { sample, close: () => queue.close() };
}
