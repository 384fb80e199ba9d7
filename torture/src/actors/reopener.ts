import { readdirSync } from "node:fs";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";

/** Opens and closes a queue so many times; says what has grown. */
const { path, cycles } = JSON.parse(process.argv[2] ?? "{}") as { path: string; cycles: number };

interface Holdings {
  readonly descriptors: number;
  readonly resources: number;
  readonly mib: number;
}

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
    resources: process.getActiveResourcesInfo().length,
    mib: process.memoryUsage().heapUsed / 2 ** 20,
  };
}

for (let n = 0; n < 50; n += 1) await cycle(n);
const before = await holdings();
for (let n = 0; n < cycles; n += 1) await cycle(n);
const after = await holdings();
process.send?.({
  descriptors: after.descriptors - before.descriptors,
  resources: after.resources - before.resources,
  mib: after.mib - before.mib,
} satisfies Holdings);
process.disconnect();
