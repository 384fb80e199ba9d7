import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { EventQueue } from "@ringrift/event-queue";
import { openNatsQueue } from "@ringrift/nats-queue";
import { TemporaryFolder } from "../queue/folder.ts";
import { payload } from "../queue/payload.ts";
import type { SampledScenario, Sampler } from "../runner/scenario.ts";
import { port } from "./server.ts";

const TYPE = "TICK";
const EVENTS = 2_000;
const BATCH = 500;
const KEYS = [1, 3, 100, 10_000];
const CONCURRENCY = [1, 4, 16];
const AT_LEAST = 0.5;
const NATS = "nats-queue";
const FILE = "cross-process-queue";

/** What order by key costs a consumer: a backlog of events with so many keys, next to one without keys. */
export const keyedScenarios: readonly SampledScenario[] = CONCURRENCY.map((concurrency) => ({
  kind: "sampled",
  id: `keys-${concurrency}`,
  title: `consume a backlog by key, concurrency ${concurrency}`,
  operation: `One event of a backlog of ${EVENTS}, through consume() with a handler that does nothing.`,
  base: nameOf(NATS, 0),
  candidates: [NATS, FILE].flatMap((backend) =>
    [0, ...KEYS].map((keys) => ({
      name: nameOf(backend, keys),
      open: () => open(backend, keys, concurrency),
    })),
  ),
  targets: KEYS.filter((keys) => keys >= concurrency).map((keys) => ({
    candidate: nameOf(NATS, keys),
    base: nameOf(NATS, 0),
    atLeast: AT_LEAST,
  })),
}));

function nameOf(backend: string, keys: number): string {
  if (keys === 0) return `${backend}, no keys`;
  return `${backend}, ${keys.toLocaleString("en")} ${keys === 1 ? "key" : "keys"}`;
}

async function open(backend: string, keys: number, concurrency: number): Promise<Sampler> {
  const folder = new TemporaryFolder();
  const queue: EventQueue =
    backend === FILE
      ? new CrossProcessEventQueue(folder.file("queue.db"), { survives: "process-crash" })
      : await openNatsQueue({
          servers: `127.0.0.1:${port()}`,
          stream: `keys-${keys}-${concurrency}`,
        });
  await queue.group("bench").ensure();
  const sample = async (): Promise<number> => {
    for (let sent = 0; sent < EVENTS; sent += BATCH) {
      await queue.sendMany(
        Array.from({ length: BATCH }, (_, n) => ({
          type: TYPE,
          payload,
          ...(keys > 0 && { key: `key-${(sent + n) % keys}` }),
        })),
      );
    }
    return consume(queue, concurrency);
  };
  await sample();
  return {
    sample,
    async close() {
      await queue.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Nanoseconds an event. */
async function consume(queue: EventQueue, concurrency: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let handled = 0;
  const began = performance.now();
  const consumer = queue.consume({ group: "bench", concurrency }, () => {
    handled += 1;
    if (handled === EVENTS) resolve();
  });
  await promise;
  const took = performance.now() - began;
  await consumer.stop();
  return (took * 1e6) / EVENTS;
}
