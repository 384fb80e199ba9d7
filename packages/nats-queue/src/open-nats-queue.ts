import type { AnyContracts, Contracts } from "@ringrift/envelope";
import type { NatsQueueOptions } from "./server/options.ts";
import { NatsEventQueue } from "./queue.ts";

/**
 * Connects to NATS and opens a queue; makes its streams if they don't exist. The queue reconnects by itself
 * until it is closed: while the server is away calls wait for `patienceMs` and then reject with
 * `SERVER_UNREACHABLE`.
 *
 * @example
 * const queue = await openNatsQueue({ servers: "nats://127.0.0.1:4222", stream: "ringrift" });
 * await queue.send("TRAINING_COMPLETED", { configKey: "hex7_2p" });
 * (await queue.receive({ eventTypes: ["TRAINING_COMPLETED"] }))[0].payload // { configKey: "hex7_2p" }
 *
 * @throws QueueError (rejects) `INVALID_OPTION`, `SERVER_UNREACHABLE`, `ACCESS_DENIED`, `SERVER_TOO_OLD`,
 * `JETSTREAM_DISABLED`, `NOT_A_QUEUE`, `SCHEMA_TOO_NEW`, `QUEUE_FULL`, `STORAGE_FAILED`
 */
export async function openNatsQueue<C extends Contracts = AnyContracts>(
  options: NatsQueueOptions<C>,
): Promise<NatsEventQueue<C>> {
  const queue = new NatsEventQueue<C>(options);
  try {
    await queue.connect();
  } catch (error) {
    await queue.close();
    throw error;
  }
  return queue;
}
