import type { AnyContracts, Contracts, EventName } from "@ringrift/envelope";
import type { ConsumeOptions, Consumer, OptionsFirst } from "./consumer.ts";
import type { EventQueue, SendOptions } from "./event-queue.ts";
import type { QueueEvent } from "./events.ts";
import type { Sendable, SendablePayload } from "./sendable.ts";

/**
 * Whether the callbacks of a queue's transactions are synchronous, because its database works while the event loop
 * waits (SQLite), or asynchronous, because it is a server (a PostgreSQL queue, say).
 */
export type TransactionStyle = "synchronous" | "asynchronous";

/** What the callback of a transaction works with, until it returns or its promise settles. */
export interface QueueTransaction<
  C extends Contracts = AnyContracts,
  Database = unknown,
  Style extends TransactionStyle = "synchronous",
> {
  /**
   * The queue's own connection, within the transaction: for tables of yours in the same database. Leave BEGIN,
   * COMMIT and ROLLBACK to the queue; savepoints are fine.
   */
  readonly database: Database;
  /**
   * Appends an event to the log, with the checks and options of `queue.send`. It is there when the transaction
   * has committed, and not before. Its position is 0 where the backend gives positions only at the commit.
   *
   * @throws what `queue.send` throws; `TRANSACTION_ENDED` after the callback has returned
   */
  send<K extends EventName<C>>(
    type: K,
    payload: C[K],
    options?: SendOptions,
  ): Style extends "synchronous" ? QueueEvent<C, K> : Promise<QueueEvent<C, K>>;
  send<const S extends string>(
    type: Sendable<C, S>,
    payload: SendablePayload<C, S>,
    options?: SendOptions,
  ): Style extends "synchronous" ? QueueEvent<C> : Promise<QueueEvent<C>>;
}

/** A synchronous result as it is; in place of a promise a sentence, which the compiler prints. */
export type Synchronous<R> =
  R extends PromiseLike<unknown>
    ? "A transaction is synchronous: the callback must not be async or return a promise"
    : R;

/** What callbacks of a style may return: asynchronous ones anything, the others no promise. */
export type TransactionResult<Style extends TransactionStyle, R> = Style extends "synchronous"
  ? Synchronous<R>
  : R;

/** A queue that can commit its events together with rows of yours: one whose log is a database. */
export interface TransactionalQueue<
  C extends Contracts = AnyContracts,
  Database = unknown,
  Style extends TransactionStyle = "synchronous",
> extends EventQueue<C> {
  /**
   * The outbox: runs a callback (synchronous, unless the queue's style is `asynchronous`) in one write transaction of the queue's database. Your rows and
   * the events it sends are there together, or neither is. Resolves to its result when that survives what
   * the queue promises; when it throws, nothing stays and its error is thrown.
   *
   * The callback holds the write lock, and if it is synchronous the event loop: keep it short. It runs later than
   * this call returns.
   *
   * @throws QueueError (rejects) `ASYNC_TRANSACTION`, `TRANSACTION_ENDED`, `QUEUE_BUSY`, `QUEUE_FULL`
   * @example
   * await queue.transaction((tx) => {
   *   tx.database.prepare("INSERT INTO orders (id, cents) VALUES (?, ?)").run("A-1", 1999);
   *   tx.send("ORDER_PLACED", { id: "A-1", cents: 1999 });
   * });
   */
  transaction<R>(
    run: (transaction: QueueTransaction<C, Database, Style>) => TransactionResult<Style, R>,
  ): Promise<Awaited<R>>;

  /**
   * The inbox: like `consume`, with handlers of the queue's style, each in one write transaction together with the ack
   * of its event. What a handler writes into tables of the queue's database is there exactly once, whatever
   * crashes; what it does elsewhere may be done again. A handler that throws is tried again after the backoff.
   *
   * @throws QueueError `INVALID_OPTION`, `QUEUE_CLOSED`
   * @example
   * queue.consumeInTransaction({ group: "ledger" }, ({ payload }, tx) => {
   *   tx.database.prepare("INSERT INTO ledger (order_id) VALUES (?)").run(payload.id);
   * });
   */
  consumeInTransaction<R, K extends EventName<C> = EventName<C>>(
    options: OptionsFirst & ConsumeOptions<C, K>,
    handler: (
      event: QueueEvent<C, K>,
      transaction: QueueTransaction<C, Database, Style>,
    ) => TransactionResult<Style, R>,
  ): Consumer;
}
