import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { Figure, FiguresScenario } from "../runner/scenario.ts";
import { quantile } from "../runner/statistics.ts";
import { TemporaryFolder } from "./folder.ts";
import { Helper } from "./helper.ts";

const EVENTS = 300;
const IDLE_MS = 4_000;

/** From a send in one process to the handler in another that waits. */
export const wakeUpScenario: FiguresScenario = {
  kind: "figures",
  id: "wake-up",
  title: "from a send to the handler in another process",
  operation: `One event, from the call of send to the call of the handler; ${EVENTS} of them, 4 to 13 ms apart.`,
  async measure(rounds) {
    using folder = new TemporaryFolder();
    const path = folder.file("queue.db");
    const queue = new CrossProcessEventQueue(path, { survives: "process-crash" });
    let latencies: number[] = [];
    queue.consume({ group: "bench" }, async ({ payload }) => {
      latencies.push(Number(process.hrtime.bigint() - BigInt(String(payload["at"]))) / 1e6);
    });
    const sender = await Helper.start("now-and-then", path);
    const all: number[][] = [];
    for (let round = 0; round <= rounds; round += 1) {
      latencies = [];
      await sender.ask(EVENTS);
      while (latencies.length < EVENTS) await new Promise((resolve) => setTimeout(resolve, 10));
      // The first warms up.
      if (round > 0) all.push(latencies);
    }
    await sender.end();
    await queue.close();
    return [
      { name: "p50", unit: "ms", values: all.map((one) => quantile(one, 0.5)), atMost: 0.5 },
      { name: "p99", unit: "ms", values: all.map((one) => quantile(one, 0.99)), atMost: 5 },
    ];
  },
};

/** What a process costs that waits for events. */
export const idleScenario: FiguresScenario = {
  kind: "figures",
  id: "idle",
  title: "an idle consumer",
  operation: `Processor time of a process that waits for events, over ${IDLE_MS / 1e3} s.`,
  async measure(rounds) {
    const few = Math.min(rounds, 5);
    return [await share("1 consumer", 1, few, 0.2), await share("64 consumers", 64, few)];
  },
};

async function share(
  name: string,
  consumers: number,
  rounds: number,
  atMost?: number,
): Promise<Figure> {
  using folder = new TemporaryFolder();
  const helper = await Helper.start("idle", folder.file("queue.db"), String(consumers));
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    values.push(Number(await helper.ask(IDLE_MS)) * 100);
  }
  await helper.end();
  return { name, unit: "% of a core", values, ...(atMost !== undefined && { atMost }) };
}
