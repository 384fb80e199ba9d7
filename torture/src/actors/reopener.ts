import { createHook } from "node:async_hooks";
import { readdirSync } from "node:fs";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";

/** Opens and closes a queue so many times; says what has grown. */
const { path, cycles } = JSON.parse(process.argv[2] ?? "{}") as { path: string; cycles: number };

interface Holdings {
  readonly descriptors: number;
  /** Also those that don't keep the process alive. */
  readonly timers: number;
  readonly watchers: number;
  readonly mib: number;
}

const alive = { Timeout: new Set<number>(), FSEVENTWRAP: new Set<number>() };
createHook({
  init: (id, type) => {
    if (type === "Timeout" || type === "FSEVENTWRAP") alive[type].add(id);
  },
  destroy: (id) => {
    for (const ids of Object.values(alive)) ids.delete(id);
  },
}).enable();

async function cycle(n: number): Promise<void> {
  const queue = new CrossProcessEventQueue(path);
  const consumer = queue.consume({ group: `g${n % 10}`, from: "now" }, () => {});
  await queue.send("TICK", { n });
  await consumer.stop();
  await queue.close();
}

async function holdings(): Promise<Holdings> {
  // What was closed a moment ago is gone a turn later.
  await new Promise((resolve) => setTimeout(resolve, 100));
  globalThis.gc?.();
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    timers: alive.Timeout.size,
    watchers: alive.FSEVENTWRAP.size,
    mib: process.memoryUsage().heapUsed / 2 ** 20,
  };
}

for (let n = 0; n < 50; n += 1) await cycle(n);
const before = await holdings();
for (let n = 0; n < cycles; n += 1) await cycle(n);
const after = await holdings();
process.send?.({
  descriptors: after.descriptors - before.descriptors,
  timers: after.timers - before.timers,
  watchers: after.watchers - before.watchers,
  mib: after.mib - before.mib,
} satisfies Holdings);
process.disconnect();
