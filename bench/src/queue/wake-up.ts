import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { Figure, FiguresScenario } from "../runner/scenario.ts";
import { quantile } from "../runner/statistics.ts";
import { TemporaryFolder } from "./folder.ts";
import { Helper } from "./helper.ts";
import type { Sent } from "./helping.ts";

const EVENTS = 300;
const IDLE_MS = 4_000;

/** From a send in one process to the handler in another that waits. */
export const wakeUpScenario: FiguresScenario = {
  kind: "figures",
  id: "wake-up",
  title: "from the commit to the handler in another process",
  operation: `One event, from its commit (the send had resolved) to the call of the handler; ${EVENTS} of them, 4 to 13 ms apart.`,
  async measure(rounds) {
    using folder = new TemporaryFolder();
    const path = folder.file("queue.db");
    const queue = new CrossProcessEventQueue(path, { survives: "process-crash" });
    const handled = new Map<string, number>();
    queue.consume({ group: "bench" }, async ({ id }) => {
      handled.set(id, Number(process.hrtime.bigint()));
    });
    const sender = await Helper.start("now-and-then", path);
    const all: { called: number[]; stored: number[] }[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      handled.clear();
      // The cast is safe: what the helper answers.
      const sent = (await sender.ask(EVENTS)) as Sent[];
      while (handled.size < EVENTS) await new Promise((resolve) => setTimeout(resolve, 10));
      const since = (from: "called" | "stored"): number[] =>
        sent.map((one) => (handled.get(one.id)! - one[from]) / 1e6);
      // The first warms up.
      if (round > 0) all.push({ called: since("called"), stored: since("stored") });
    }
    await sender.end();
    await queue.close();
    const quantiles = (from: "called" | "stored", share: number): number[] =>
      all.map((one) => quantile(one[from], share));
    return [
      { name: "p50", unit: "ms", values: quantiles("stored", 0.5), atMost: 0.5 },
      { name: "p99", unit: "ms", values: quantiles("stored", 0.99), atMost: 5 },
      { name: "p50 from the call of send", unit: "ms", values: quantiles("called", 0.5) },
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
