import { setTimeout as sleep } from "node:timers/promises";
import { HOT_KEY } from "../hot-key.ts";
import { act, type ActorOptions, actorOptions } from "./actor.ts";

export interface WorkerOptions extends ActorOptions {
  readonly group: string;
  readonly leaseMs: number;
  /** How long a slow handler keeps the processor; 0: none is slow. */
  readonly slowMs: number;
}

/** Of so many events of a publisher, the first ones are slow. */
const STRETCH = 600;
const SLOW = 12;

const options = actorOptions() as WorkerOptions;
const { group, leaseMs, slowMs } = options;

/** A consumer with all its defaults, whose handlers don't yield. */
await act(options, async ({ queue, journal, isRunning }) => {
  const member = { group, leaseMs, from: "beginning", maxAttempts: 1000 } as const;
  const consumer = queue.consume(member, ({ id, key = "", position, attempt, payload }) => {
    if (key === HOT_KEY) throw new Error("not yet");
    const { from, n } = payload as { from: string; n: number };
    journal.write({ kind: "begin", id, from, n, key, position, attempt });
    if (n % STRETCH < SLOW) keepProcessor(slowMs);
    journal.write({ kind: "acking", id });
  });
  while (isRunning()) await sleep(20);
  await consumer.stop();
});

function keepProcessor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
