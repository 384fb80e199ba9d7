import type { NackOptions } from "@ringrift/event-queue";
import { backoffDelayMs, isPermanent, toErrorData } from "@ringrift/event-queue/backend";
import type { WriteTransaction } from "./commit.ts";
import type { Connection } from "./connection.ts";
import { withFailure } from "./dead-letters.ts";
import type { Delivery, DeliveryStore } from "./deliveries.ts";
import type { Group, GroupStore } from "./groups.ts";
import { SQL } from "./schema.ts";

/** The right to settle one delivery: whoever has a newer token has taken it over. */
export interface LeaseHandle {
  readonly group: string;
  readonly groupId: number;
  readonly position: number;
  readonly token: number;
}

/** Settling what was leased. Its calls are synchronous, in the write transaction they are given. */
export class LeaseStore {
  readonly #connection: Connection;
  readonly #groups: GroupStore;
  readonly #deliveries: DeliveryStore;

  constructor(connection: Connection, groups: GroupStore, deliveries: DeliveryStore) {
    this.#connection = connection;
    this.#groups = groups;
    this.#deliveries = deliveries;
  }

  /** Settles a delivery. `false`: somebody else has it now. */
  ack(tx: WriteTransaction, lease: LeaseHandle): boolean {
    const { groupId, position, token } = lease;
    const row = this.#connection.get<{ key: string | null }>(
      SQL.deleteLease,
      groupId,
      position,
      token,
    );
    if (row === undefined) return false;
    this.#deliveries.letNext(tx, groupId, row.key);
    return true;
  }

  /** Gives a delivery back for another attempt, or to the dead letters. `false` as with `ack`. */
  nack(tx: WriteTransaction, lease: LeaseHandle, options: NackOptions): boolean {
    const found = this.#held(lease);
    if (found === undefined) return false;
    const { group, delivery } = found;
    const error = toErrorData(options.reason);
    const { maxAttempts, backoff } = group.policy;
    if (isPermanent(options.reason) || delivery.attempt >= maxAttempts) {
      const row = this.#deliveries.rowOf(delivery);
      if (row === undefined) this.#deliveries.forget(tx, group, delivery);
      else this.#deliveries.bury(tx, group, delivery, row, error);
      return true;
    }
    const failures = withFailure(delivery, { time: tx.now, message: error.message });
    const delay = options.delayMs ?? backoffDelayMs(backoff, delivery.attempt);
    this.#giveBack(tx, lease, tx.now + delay, delivery.attempt, failures);
    return true;
  }

  /** Gives back what no handler began: due at once, and the attempt isn't counted. */
  release(tx: WriteTransaction, lease: LeaseHandle): boolean {
    const delivery = this.#held(lease)?.delivery;
    if (delivery === undefined) return false;
    this.#giveBack(tx, lease, tx.now, delivery.attempt - 1, delivery.failures);
    return true;
  }

  /** Moves the end of a lease; resolves to the new one. `false` as with `ack`. */
  extend(tx: WriteTransaction, lease: LeaseHandle, ms: number): number | false {
    const until = tx.now + ms;
    const { groupId, position, token } = lease;
    const changed = this.#connection.run(SQL.extendLease, until, groupId, position, token);
    if (changed === 0) return false;
    // A handler may run for longer than the group lives unserved.
    const group = this.#groups.find(lease.group);
    if (group !== undefined) this.#groups.touch(tx, group);
    return until;
  }

  #held(lease: LeaseHandle): { group: Group; delivery: Delivery } | undefined {
    const { groupId, position, token } = lease;
    const delivery = this.#connection.get<Delivery>(SQL.delivery, groupId, position, token);
    const group = this.#groups.find(lease.group);
    return delivery && group && { group, delivery };
  }

  #giveBack(
    tx: WriteTransaction,
    lease: LeaseHandle,
    due: number,
    attempt: number,
    failures: string | null,
  ): void {
    const { groupId, position, token } = lease;
    this.#connection.run(SQL.returnDelivery, due, attempt, failures, groupId, position, token);
    // Others learn when to look again.
    tx.rings = true;
  }
}
