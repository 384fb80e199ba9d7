import { setTimeout as sleep } from "node:timers/promises";
import { type NatsEventQueue, type NatsQueueOptions, openNatsQueue } from "@ringrift/nats-queue";

const PATIENCE_MS = 20_000;

/** Opens a queue, as soon as its server is there: whoever is started while that is away waits for it. */
export async function openQueue(options: NatsQueueOptions): Promise<NatsEventQueue> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await openNatsQueue(options);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "SERVER_UNREACHABLE" || performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
