import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { SampledScenario, Sampler } from "../runner/scenario.ts";
import { TemporaryFolder } from "./folder.ts";
import { payload } from "./payload.ts";

const EVENTS = 10_000;

/** What registered groups cost the publisher. */
export const groupsScenario: SampledScenario = {
  kind: "sampled",
  id: "publish-groups",
  title: "publish with 1, 5 and 20 groups",
  operation:
    "One event of a sendMany of 100, while groups are registered and have events to settle.",
  base: "1 group",
  candidates: [
    { name: "1 group", open: () => open(1) },
    { name: "5 groups", open: () => open(5) },
    { name: "20 groups", open: () => open(20) },
  ],
  targets: [
    { candidate: "5 groups", base: "1 group", atLeast: 0.9 },
    { candidate: "20 groups", base: "1 group", atLeast: 0.9 },
  ],
};

async function open(groups: number): Promise<Sampler> {
  const folder = new TemporaryFolder();
  const queue = new CrossProcessEventQueue(folder.file("queue.db"), { survives: "process-crash" });
  const event = { type: "TICK", payload };
  const publish = async (): Promise<void> => {
    for (let sent = 0; sent < EVENTS; sent += 100) {
      await queue.sendMany(Array.from({ length: 100 }, () => event));
    }
  };
  await publish();
  for (let n = 0; n < groups; n += 1) await queue.group(`group-${n}`).receive({ limit: 100 });
  return {
    async sample() {
      const begin = performance.now();
      await publish();
      return ((performance.now() - begin) * 1e6) / EVENTS;
    },
    async close() {
      await queue.close();
      folder[Symbol.dispose]();
    },
  };
}
