import { Queue, Worker } from "bullmq";
import { payload } from "../payload.ts";
import { inBatches, type System } from "../system.ts";

const QUEUE = "bench";

/** BullMQ: jobs in bulk, a worker with as many at once as the batch has. */
export const bullmq: System = {
  async prepare({ at }) {
    const queue = new Queue(QUEUE, { connection: connectionTo(at) });
    await queue.obliterate({ force: true });
    await queue.close();
  },

  async openPublisher({ at, batch }) {
    const queue = new Queue(QUEUE, { connection: connectionTo(at) });
    await queue.waitUntilReady();
    const opts = { removeOnComplete: true };
    const job = { name: "tick", data: payload, opts };
    return {
      publish: (events) =>
        inBatches(events, batch, (size) =>
          size === 1
            ? queue.add("tick", payload, opts)
            : queue.addBulk(Array.from({ length: size }, () => job)),
        ),
      close: () => queue.close(),
    };
  },

  async openConsumer({ at, batch }) {
    return {
      async consume(events) {
        const { promise, resolve } = Promise.withResolvers<void>();
        let done = 0;
        const worker = new Worker(QUEUE, async () => {}, {
          connection: connectionTo(at),
          concurrency: batch,
          autorun: false,
        });
        worker.on("completed", () => {
          done += 1;
          if (done === events) resolve();
        });
        await worker.waitUntilReady();
        void worker.run();
        await promise;
        ended = worker.close();
      },
      close: async () => ended,
    };
  },
};

/** A worker's end, which takes a while, is not a part of what it has done. */
let ended: Promise<void> = Promise.resolve();

function connectionTo(port: string): { port: number; maxRetriesPerRequest: null } {
  return { port: Number(port), maxRetriesPerRequest: null };
}
