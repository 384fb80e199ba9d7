import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { payload } from "../payload.ts";
import { inBatches, type System } from "../system.ts";

const TYPE = "TICK";
const GROUP = "bench";

/** This package. The consumer is `consume`, with as many handlers at once as the batch has events. */
export const ours: System = {
  async prepare({ at }) {
    const queue = new CrossProcessEventQueue(at);
    await queue.group(GROUP).ensure();
    await queue.close();
  },

  async openPublisher({ at, batch, survives }) {
    const queue = new CrossProcessEventQueue(at, { survives });
    const event = { type: TYPE, payload };
    return {
      publish: (events) =>
        inBatches(events, batch, (size) =>
          size === 1
            ? queue.send(TYPE, payload)
            : queue.sendMany(Array.from({ length: size }, () => event)),
        ),
      close: () => queue.close(),
    };
  },

  async openConsumer({ at, batch, survives }) {
    const queue = new CrossProcessEventQueue(at, { survives });
    return {
      async consume(events) {
        const { promise, resolve } = Promise.withResolvers<void>();
        let handled = 0;
        const consumer = queue.consume({ group: GROUP, concurrency: batch }, async () => {
          handled += 1;
          if (handled === events) resolve();
        });
        await promise;
        // Resolves after the last acks.
        await consumer.stop();
      },
      close: () => queue.close(),
    };
  },
};
