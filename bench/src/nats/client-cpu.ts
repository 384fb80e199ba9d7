import type { Figure, FiguresScenario } from "../runner/scenario.ts";
import { BARE, OURS, type Side, sides } from "./sides.ts";

const EVENTS = 4_000;
const BATCH = 100;

/** Processor time of this process, the client's; the server has its own. */
export const clientCpuScenario: FiguresScenario = {
  kind: "figures",
  id: "client-cpu",
  title: "processor time of the client",
  operation: `One event of ${EVENTS}, sent and then received and acked, ${BATCH} at a time.`,
  async measure(rounds) {
    const found = new Map<string, number[]>();
    const note = (name: string, micros: number): void => {
      found.set(name, [...(found.get(name) ?? []), micros]);
    };
    const opened: [string, Side][] = [];
    for (const name of [OURS, BARE]) {
      const side = await sides[name]?.();
      if (side !== undefined) opened.push([name, side]);
    }
    // The first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, side] of round % 2 === 0 ? opened : opened.toReversed()) {
        const sending = await microsOf(() => sendAll(side));
        const taking = await microsOf(() => takeAll(side));
        if (round === 0) continue;
        note(`${name}, send`, sending);
        note(`${name}, receive and ack`, taking);
      }
    }
    for (const [, side] of opened) await side.close();
    return [...found].map(([name, values]): Figure => ({ name, unit: "µs", values }));
  },
};

async function sendAll(side: Side): Promise<void> {
  for (let sent = 0; sent < EVENTS; sent += BATCH) await side.send(BATCH);
}

async function takeAll(side: Side): Promise<void> {
  for (let taken = 0; taken < EVENTS;) taken += await side.take(Math.min(BATCH, EVENTS - taken));
}

/** Microseconds an event. */
async function microsOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / EVENTS;
}
