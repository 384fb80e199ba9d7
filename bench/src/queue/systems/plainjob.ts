import Database from "better-sqlite3";
import { better, defineQueue, defineWorker, type Queue } from "plainjob";
import { payload } from "../payload.ts";
import { inBatches, type System } from "../system.ts";

const TYPE = "tick";
const QUIET = { error() {}, warn() {}, info() {}, debug() {} };

/** plainjob on better-sqlite3: its worker takes one job at a time and knows no batches. */
export const plainjob: System = {
  async prepare({ at }) {
    open(at).close();
  },

  async openPublisher({ at, batch }) {
    const queue = open(at);
    return {
      publish: (events) =>
        inBatches(events, batch, async (size) => {
          if (size === 1) queue.add(TYPE, payload);
          else
            queue.addMany(
              TYPE,
              Array.from({ length: size }, () => payload),
            );
          // Its calls are synchronous; others get the event loop, and the lock.
          await new Promise((resolve) => setImmediate(resolve));
        }),
      close: async () => queue.close(),
    };
  },

  async openConsumer({ at }) {
    const queue = open(at);
    return {
      async consume(events) {
        const { promise, resolve } = Promise.withResolvers<void>();
        let done = 0;
        const worker = defineWorker(
          TYPE,
          ({ data }) => {
            JSON.parse(data);
            return Promise.resolve();
          },
          {
            queue,
            logger: QUIET,
            pollIntervall: 1,
            onCompleted() {
              done += 1;
              if (done === events) resolve();
            },
          },
        );
        void worker.start();
        await promise;
        await worker.stop();
      },
      close: async () => queue.close(),
    };
  },
};

function open(path: string): Queue {
  return defineQueue({ connection: better(new Database(path)), logger: QUIET });
}
