import type { AnyContracts, Contracts } from "@ringrift/envelope";
import { QueueError, type QueueTransaction } from "@ringrift/event-queue";
import {
  type BackendTransaction,
  leaseLost,
  type TransactOptions,
} from "@ringrift/event-queue/backend";
import { appendedEvent, prepareRow } from "../log/appender.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { TransactionDatabase } from "../files/driver.ts";
import type { Engine } from "../engine/engine.ts";
import { MemberLease } from "./member-lease.ts";

/**
 * What the callback of a transaction works with: the queue's connection, and a `send` of its own. `Database` is the type
 * of the handle that the queue was given, if any.
 */
export type SqliteTransaction<
  C extends Contracts = AnyContracts,
  Database = TransactionDatabase,
> = QueueTransaction<C, Database>;

/**
 * Runs a callback in a write transaction of its own, and acks with it what it settles; resolves to its result when
 * that survives what the queue promises. When the callback throws, nothing of it stays, and its very error is thrown.
 *
 * @throws QueueError (rejects) `ASYNC_TRANSACTION`, `TRANSACTION_ENDED`, `LEASE_LOST`, and as any write does
 */
export async function transact<R>(
  engine: Engine,
  body: (transaction: BackendTransaction<TransactionDatabase>) => R,
  { settles }: TransactOptions = {},
): Promise<Awaited<R>> {
  const lease = settles?.lease instanceof MemberLease ? settles.lease : undefined;
  let thrown: { readonly error: unknown } | undefined;
  const run = (tx: WriteTransaction): R => {
    thrown = undefined;
    try {
      const result = body(transactionOf(engine, tx));
      refusePromise(result);
      if (!engine.connection.database.inTransaction) throw endedError();
      // Whoever has the event now will do it: then nothing of this may stay.
      if (settles !== undefined && lease !== undefined && !isSettled(engine, tx, lease)) {
        throw leaseLost(settles);
      }
      return result;
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  // What acks an event makes room, or is of those that do.
  const options = { alone: true, ...(lease !== undefined && { usesReserve: true }) };
  try {
    const result = await engine.committer.submit(run, options);
    lease?.noteSettled();
    return result;
  } catch (error) {
    throw thrown === undefined ? error : thrown.error;
  }
}

function transactionOf(
  engine: Engine,
  tx: WriteTransaction,
): BackendTransaction<TransactionDatabase> {
  return {
    // The cast is safe: a database of better-sqlite3.
    database: engine.connection.database as unknown as TransactionDatabase,
    append: (record) => appendedEvent(engine.appender.appendOne(tx, prepareRow(record))),
  };
}

/** Acks within the transaction; `false` when the lease was lost. */
function isSettled({ leases }: Engine, tx: WriteTransaction, { handle }: MemberLease): boolean {
  const ack = leases.ack(tx, handle);
  leases.write(tx);
  return ack.held;
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
