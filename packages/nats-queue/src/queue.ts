import type { AnyContracts, Contracts } from "@ringrift/envelope";
import { BackedQueue, QueueInstance } from "@ringrift/event-queue/backend";
import { NatsBackend } from "./backend/nats-backend.ts";
import { checkOptions, type NatsQueueOptions } from "./server/options.ts";

/**
 * A durable event queue on NATS JetStream, shared by the processes of many machines. See `EventQueue` for
 * what every call promises. Made by `openNatsQueue`, which connects first; made by its constructor it connects
 * on first use.
 */
export class NatsEventQueue<C extends Contracts = AnyContracts> extends BackedQueue<C> {
  readonly #instance: QueueInstance<NatsBackend>;

  /** @throws QueueError `INVALID_OPTION` */
  constructor(given: NatsQueueOptions<C>) {
    const options = checkOptions(given);
    const instance = new QueueInstance({
      name: "nats",
      claimsCommit: false,
      closeFlushes: false,
      open: (host) => NatsBackend.open(options, host),
    });
    super(instance, options);
    this.#instance = instance;
  }

  /**
   * Connects, and makes or checks the streams; every other call does so too.
   *
   * @throws QueueError (rejects) see `openNatsQueue`
   */
  async connect(): Promise<void> {
    await this.#instance.use(async () => {});
  }
}
