import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { FiguresScenario } from "../runner/scenario.ts";
import { quantile } from "../runner/statistics.ts";
import { TemporaryFolder } from "./folder.ts";
import { Helper } from "./helper.ts";

const ACKS = 1_000;

/** How long a consumer's ack waits while another process publishes flat out. */
export const fairnessScenario: FiguresScenario = {
  kind: "figures",
  id: "fairness",
  title: "ack while another process publishes flat out",
  operation: `One awaited ack, ${ACKS} of them one after another; the other process sends batches of 100 without a pause.`,
  async measure(rounds) {
    using folder = new TemporaryFolder();
    const path = folder.file("queue.db");
    const queue = new CrossProcessEventQueue(path, { survives: "process-crash" });
    const group = queue.group("bench");
    await group.ensure();
    const publisher = await Helper.start("flat-out", path);
    const all: number[][] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const waits: number[] = [];
      while (waits.length < ACKS) {
        for (const event of await group.receive({ limit: 100, waitMs: 1_000 })) {
          const begin = performance.now();
          await event.ack();
          waits.push(performance.now() - begin);
        }
      }
      // The first warms up.
      if (round > 0) all.push(waits);
    }
    await publisher.end();
    await queue.close();
    return [
      { name: "p50", unit: "ms", values: all.map((waits) => quantile(waits, 0.5)) },
      { name: "p99", unit: "ms", values: all.map((waits) => quantile(waits, 0.99)), atMost: 50 },
      { name: "longest", unit: "ms", values: all.map((waits) => Math.max(...waits)) },
    ];
  },
};
