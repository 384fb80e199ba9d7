import type { StoredEvent } from "../contract/events.ts";
import type { OutgoingRecord } from "../sending/outgoing.ts";
import type { BackendLease, QueueBackend } from "./queue-backend.ts";

/** One transaction of a backend, while its callback runs. */
export interface BackendTransaction<Database> {
  /** The connection that the callback works with. */
  readonly database: Database;
  /**
   * Appends an event within the transaction; at once, or later where the backend's transactions are asynchronous. Its
   * position is 0 where it is known only after the commit.
   */
  append(record: OutgoingRecord): StoredEvent | Promise<StoredEvent>;
}

/** How a transaction is committed. */
export interface TransactOptions {
  /** An event that is acked in the same transaction; when its lease was lost, nothing stays (`LEASE_LOST`). */
  readonly settles?: { readonly id: string; readonly lease: BackendLease } | undefined;
}

/** What a backend can do besides, whose log is a database that also holds tables of the user's. */
export interface TransactionalBackend<Database> extends QueueBackend {
  /**
   * Runs `body` in one write transaction; resolves to its result when that survives what the queue promises. When
   * `body` throws or rejects, nothing of it stays, and its very error is thrown. A backend whose transactions are
   * synchronous refuses a promise (`ASYNC_TRANSACTION`).
   */
  transact<R>(
    body: (transaction: BackendTransaction<Database>) => R,
    options?: TransactOptions,
  ): Promise<Awaited<R>>;
}
