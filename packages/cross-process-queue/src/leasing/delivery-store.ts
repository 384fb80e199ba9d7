import type { ErrorData } from "@ringrift/event-queue";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { Connection } from "../database/connection.ts";
import { type DeadLetterStore, withFailure } from "../groups/dead-letter-store.ts";
import type { Group } from "../groups/group-store.ts";
import type { EventLog } from "../log/event-log.ts";
import type { EventRow } from "../database/event-row.ts";
import { SQL } from "../schema/statements.ts";

/** An event that a group has passed and not settled: leased, waiting for a retry, or held back by its key. */
export interface Delivery {
  readonly position: number;
  /** Set while it is leased. */
  readonly token: number | null;
  /** Deliveries it had. */
  readonly attempt: number;
  readonly redriven: number;
  readonly key: string | null;
  /** Failed attempts, as `withFailure` writes them. */
  readonly failures: string | null;
  /** Copy of the row of a redriven event, which may be gone from the log. */
  readonly event: string | null;
}

/** A delivery that is over without success. */
export interface FailedDelivery {
  readonly delivery: Delivery;
  /** Its event. */
  readonly row: EventRow;
  /** Why it isn't tried again. */
  readonly error: ErrorData;
}

/** What claiming and settling share. Its calls are synchronous, in the write transaction they are given. */
export class DeliveryStore {
  readonly #connection: Connection;
  readonly #log: EventLog;
  readonly #deadLetters: DeadLetterStore;

  constructor(connection: Connection, log: EventLog, deadLetters: DeadLetterStore) {
    this.#connection = connection;
    this.#log = log;
    this.#deadLetters = deadLetters;
  }

  /** The event's row; `undefined` when retention has deleted it. */
  rowOf(delivery: Delivery): EventRow | undefined {
    const row = this.#log.at(delivery.position);
    if (row !== undefined || delivery.event === null) return row;
    // The cast is safe: a copy that this package made.
    return JSON.parse(delivery.event) as EventRow;
  }

  /** Whether an event of this key is unfinished in the group. */
  isBusy(groupId: number, key: string): boolean {
    return this.#connection.get(SQL.keyIsBusy, groupId, key) !== undefined;
  }

  /** Makes a dead letter of a delivery. */
  bury(tx: WriteTransaction, group: Group, { delivery, row, error }: FailedDelivery): void {
    this.forget(tx, group, delivery);
    this.#deadLetters.add(tx, {
      group: group.name,
      row,
      attempts: delivery.attempt,
      error,
      failures: withFailure(delivery, { time: tx.now, message: error.message }),
    });
  }

  /** Drops a delivery. */
  forget(tx: WriteTransaction, group: Group, delivery: Delivery): void {
    this.#connection.run(SQL.deleteDelivery, group.id, delivery.position);
    this.letNext(tx, group.id, delivery.key);
  }

  /** An event of the key is finished: the next one may go. */
  letNext(tx: WriteTransaction, groupId: number, key: string | null): void {
    if (key === null) return;
    const released = this.#connection.run(SQL.releaseKey, { group: groupId, key });
    if (released > 0) tx.rings = true;
  }
}
