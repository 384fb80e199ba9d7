import type { AnyContracts, Contracts } from "@ringrift/envelope";
import {
  BackedTransactionalQueue,
  QueueInstance,
  type TransactionalBackend,
} from "@ringrift/event-queue/backend";
import type { QueueBackup } from "./repair/backup.ts";
import type { TransactionDatabase } from "./files/driver.ts";
import {
  checkQueueOptions,
  type CrossProcessQueueOptions,
  type QueueLocation,
} from "./engine/options.ts";
import { SqliteBackend } from "./backend/sqlite-backend.ts";

/**
 * A durable event queue in one SQLite file, shared by the processes and worker threads of one machine. See
 * `TransactionalQueue` for what every call promises.
 *
 * Constructing it does no I/O; the first call opens the file, and makes it (0600, in a folder 0700) if need
 * be. It never blocks the event loop for a lock: while another process holds it, calls try again for up to
 * 10 seconds and then reject with `QUEUE_BUSY`. One instance a process is enough, more do no harm.
 *
 * `C` are the events and their payloads; `Database` is the type of the handle that was given, if any, which the callbacks
 * of transactions get.
 *
 * @example
 * const queue = new CrossProcessEventQueue("data/events.db");
 * await queue.send("TRAINING_COMPLETED", { configKey: "hex7_2p" });
 * (await queue.receive({ eventTypes: ["TRAINING_COMPLETED"] }))[0].payload // { configKey: "hex7_2p" }
 */
export class CrossProcessEventQueue<
  C extends Contracts = AnyContracts,
  Database = TransactionDatabase,
> extends BackedTransactionalQueue<C, Database> {
  readonly #instance: QueueInstance<SqliteBackend>;

  /** @throws QueueError `INVALID_PATH`, `INVALID_OPTION` */
  constructor(path: string, options?: CrossProcessQueueOptions<C>);
  constructor(options: CrossProcessQueueOptions<C> & QueueLocation<Database>);
  constructor(
    where: string | (CrossProcessQueueOptions<C> & QueueLocation<Database>),
    more?: CrossProcessQueueOptions<C>,
  ) {
    const options = checkQueueOptions(where, more);
    const instance = new QueueInstance({
      name: "sqlite",
      claimsCommit: true,
      closeFlushes: true,
      open: (host) => SqliteBackend.open(options, host),
    });
    // The cast is safe: a handle that was given is what its transactions get.
    super(instance as unknown as QueueInstance<TransactionalBackend<Database>>, options);
    this.#instance = instance;
  }

  /**
   * Copies the queue as it is now (events, groups, dead letters, and tables of yours in the same file) into a new
   * file, while this process and others go on. It is whole and on the disk when it appears; open it like any queue.
   * All that was sent before the call is in it.
   *
   * @throws QueueError (rejects) `INVALID_PATH` when the file exists, `CANNOT_OPEN`, `QUEUE_FULL`, `QUEUE_CLOSED`
   * @example await queue.backup("backups/events-monday.db") // { path, bytes, newestPosition }
   */
  backup(path: string): Promise<QueueBackup> {
    return this.#instance.use((backend) => backend.backUp(path));
  }
}
