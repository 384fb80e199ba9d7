import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { payload } from "../payload.ts";
import { inBatches, type System } from "../system.ts";

const TYPE = "TICK";
const GROUP = "bench";
const WAIT_MS = 1_000;

/** This package. The consumer receives a batch, acks each of its events, and asks for the next one with the acks. */
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
    const group = queue.group(GROUP);
    return {
      async consume(events) {
        let asked = group.receive({ limit: Math.min(batch, events), waitMs: WAIT_MS });
        for (let done = 0; done < events;) {
          const leased = await asked;
          done += leased.length;
          const acks = leased.map((event) => event.ack());
          const left = events - done;
          // Before the acks are awaited: they share a transaction.
          if (left > 0) asked = group.receive({ limit: Math.min(batch, left), waitMs: WAIT_MS });
          if ((await Promise.all(acks)).includes(false)) throw new Error("A lease was lost.");
        }
      },
      close: () => queue.close(),
    };
  },
};

/** The same with handlers: `consume`, with as many at once as the batch has events. */
export const oursWithHandlers: System = {
  ...ours,
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
