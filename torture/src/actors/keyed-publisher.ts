/** A process that sends events with keys to a NATS queue, until SIGTERM. */
import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../bridge/random.ts";
import { Journal } from "../journal.ts";
import { openQueue } from "../keyed/open-queue.ts";
import type { Payload, Said } from "../keyed/said.ts";
import { workOf } from "../keyed/work.ts";
import { actorOptions } from "./actor.ts";

export interface KeyedPublisherOptions {
  readonly urls: string[];
  readonly stream: string;
  readonly journals: string;
  readonly by: string;
  readonly seed: number;
  readonly keys: number;
  /** Share of the events that have no key. */
  readonly plainShare: number;
  readonly perSecond: number;
  readonly slowMs: number;
  readonly maxBacklog: number;
}

const options = actorOptions() as KeyedPublisherOptions;
const { urls, stream, by, seed, keys, plainShare, perSecond, slowMs, maxBacklog } = options;
const journal = new Journal<Said>(options.journals, by);
const random = new Random(seed);
const queue = await openQueue({ servers: urls, stream, maxBacklog });
flushCompileCache();
let isRunning = true;
process.on("SIGTERM", () => {
  isRunning = false;
});
journal.write({ kind: "ready" });

const send = async (n: number): Promise<void> => {
  const key = random.chance(plainShare) ? undefined : `key-${random.between(1, keys)}`;
  const payload: Payload = { from: by, n, work: workOf(random, slowMs) };
  journal.write({ kind: "attempt", n, ...(key !== undefined && { key }) });
  try {
    const { id, position } = await queue.send("TICK", payload, { key });
    journal.write({ kind: "sent", n, id, position });
  } catch (error) {
    const { code = "NO_CODE", message } = error as { code?: string; message: string };
    journal.write({ kind: "complaint", code, message });
    await sleep(100);
  }
};
for (let n = 1; isRunning;) {
  // Several at once now and then, so that members find many of one key.
  const burst = random.chance(0.2) ? random.between(5, 20) : random.between(1, 3);
  const sends = Array.from({ length: burst }, (_, index) => send(n + index));
  await Promise.all([...sends, sleep((burst * 1_000) / perSecond)]);
  n += burst;
}
await queue.close();
