import { AsyncLocalStorage } from "node:async_hooks";
import {
  type AnyContracts,
  type Contracts,
  currentEvent,
  runWithEventSync,
} from "@ringrift/envelope";
import {
  QueueError,
  type QueueEvent,
  type QueueTransaction,
  type SendOptions,
} from "@ringrift/event-queue";
import { type Appended, appendedEvent } from "./appending.ts";
import type { CommitOptions, WriteTransaction } from "./write-transaction.ts";
import type { TransactionDatabase } from "./driver.ts";
import type { Engine } from "./engine.ts";
import type { QueueInstance } from "./instance.ts";

/** What the callback of a transaction works with: the queue's connection, and a `send` of its own. */
export type SqliteTransaction<C extends Contracts = AnyContracts> = QueueTransaction<
  C,
  TransactionDatabase
>;

/** The appending side of {@link SqliteTransaction}, as the queue makes it. */
export type Append = (
  engine: Engine,
  tx: WriteTransaction,
  event: readonly [type: string, payload: unknown, options: SendOptions | undefined],
) => Appended;

/** What runs in a transaction, in the context in which it was asked for. */
type Body<R> = (transaction: SqliteTransaction, engine: Engine, tx: WriteTransaction) => R;

/**
 * Runs a callback in a write transaction of its own; resolves to its result when that survives what the queue
 * promises. When the callback throws, nothing of it stays, and its very error is thrown.
 *
 * @throws QueueError (rejects) `ASYNC_TRANSACTION`, `TRANSACTION_ENDED`, and as any write does
 */
export async function runInTransaction<R>(
  instance: QueueInstance,
  append: Append,
  body: Body<R>,
  options: CommitOptions = {},
): Promise<R> {
  const cause = currentEvent();
  const inContext = AsyncLocalStorage.snapshot();
  let thrown: { readonly error: unknown } | undefined;
  const sent: Appended[] = [];
  const run = (engine: Engine, tx: WriteTransaction): R => {
    const { database } = engine.connection;
    let isOver = false;
    const send = (type: string, payload: unknown, options?: SendOptions): QueueEvent => {
      if (isOver) throw overError(`send "${type}"`);
      const appended = append(engine, tx, [type, payload, options]);
      sent.push(appended);
      return appendedEvent(appended);
    };
    const transaction: SqliteTransaction = {
      // The casts are safe: a database of better-sqlite3, and an event of the type that was sent.
      database: database as unknown as TransactionDatabase,
      send: send as SqliteTransaction["send"],
    };
    thrown = undefined;
    sent.length = 0;
    try {
      const call = (): R => body(transaction, engine, tx);
      const result = inContext(() => (cause ? runWithEventSync(cause, call) : call()));
      refusePromise(result);
      if (!database.inTransaction) throw endedError();
      return result;
    } catch (error) {
      thrown = { error };
      throw error;
    } finally {
      isOver = true;
    }
  };
  try {
    const result = await instance.write(run, { ...options, alone: true });
    for (const appended of sent) instance.countSent(appended);
    return result;
  } catch (error) {
    throw thrown === undefined ? error : thrown.error;
  }
}

function refusePromise(result: unknown): void {
  if (typeof result !== "object" || result === null || !("then" in result)) return;
  if (typeof result.then !== "function") return;
  // What it does later, and how it fails, is nobody's: the transaction is over by then.
  Promise.resolve(result).catch(() => {});
  throw new QueueError(
    "ASYNC_TRANSACTION",
    "The callback of a transaction returned a promise, and nothing of it was stored: the transaction would be over before the rest of it ran. Await what you need first, then write synchronously.",
  );
}

function endedError(): QueueError {
  return new QueueError(
    "TRANSACTION_ENDED",
    "The callback ended the transaction itself (COMMIT or ROLLBACK), so its events were not stored. Leave both to the queue, and throw to roll back.",
  );
}

function overError(what: string): QueueError {
  return new QueueError(
    "TRANSACTION_ENDED",
    `Cannot ${what}: the transaction is over. Use it only within its callback.`,
  );
}
