/** The process of a `Helper`: says that it is ready, and does its job until it is ended. */
import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { payload } from "./payload.ts";

/** One event as its sender saw it; times in nanoseconds of the machine's clock. */
export interface Sent {
  readonly id: string;
  readonly called: number;
  /** When its send had resolved, a moment after the commit. */
  readonly stored: number;
}

const [job = "", path = "", count = "1"] = process.argv.slice(2);
const queue = new CrossProcessEventQueue(path, { survives: "process-crash" });
const jobs: Readonly<Record<string, () => Promise<void>>> = {
  /** Publishes batches of 100 without a pause. */
  async "flat-out"() {
    await queue.sendMany([{ type: "TICK", payload }]);
    process.send?.("ready");
    const event = { type: "TICK", payload };
    for (;;) await queue.sendMany(Array.from({ length: 100 }, () => event));
  },
  /** Asked for a number, sends so many events with pauses of 4 to 13 ms; answers when each was sent and stored. */
  async "now-and-then"() {
    await queue.stats();
    process.on("message", async (events: number) => {
      const moments: Sent[] = [];
      for (let sent = 0; sent < events; sent += 1) {
        await sleep(4 + Math.random() * 9);
        const called = Number(process.hrtime.bigint());
        const { id } = await queue.send("TICK", payload);
        moments.push({ id, called, stored: Number(process.hrtime.bigint()) });
      }
      process.send?.(moments);
    });
    process.send?.("ready");
  },
  /** Has idle consumers; asked for milliseconds, answers what share of a core it used in that time. */
  async idle() {
    for (let n = 0; n < Number(count); n += 1)
      queue.consume({ group: `group-${n}` }, async () => {});
    await queue.stats();
    process.on("message", async (ms: number) => {
      const before = process.cpuUsage();
      await sleep(ms);
      const { user, system } = process.cpuUsage(before);
      process.send?.((user + system) / 1e3 / ms);
    });
    await sleep(1_500);
    process.send?.("ready");
  },
};
await jobs[job]?.();
