import type { NackOptions } from "@ringrift/event-queue";
import {
  backoffDelayMs,
  type GivenGroupPolicy,
  isPermanent,
  statedPolicy,
  toErrorData,
} from "@ringrift/event-queue/backend";
import type { BatchStore } from "../groups/batch-store.ts";
import type { Connection } from "../database/connection.ts";
import { withFailure } from "../groups/dead-letter-store.ts";
import type { Delivery, DeliveryStore } from "./delivery-store.ts";
import type { Group, GroupStore } from "../groups/group-store.ts";
import type { Ack, LeaseHandle } from "../commit/lease.ts";
import { SQL } from "../schema/statements.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";

interface Keyed {
  readonly key: string | null;
}

/** A delivery that waits for its next attempt. */
interface WaitingDelivery extends Pick<Delivery, "attempt" | "failures"> {
  readonly due: number;
}

/** Settling what was leased. Its calls are synchronous, in the write transaction they are given. */
export class LeaseStore {
  readonly #connection: Connection;
  readonly #groups: GroupStore;
  readonly #deliveries: DeliveryStore;
  readonly #batches: BatchStore;
  /** By the id of a group: when the next ack is to note that it is served. */
  readonly #servedNext = new Map<number, number>();

  constructor(
    connection: Connection,
    stores: {
      readonly groups: GroupStore;
      readonly deliveries: DeliveryStore;
      readonly batches: BatchStore;
    },
  ) {
    this.#connection = connection;
    this.#groups = stores.groups;
    this.#deliveries = stores.deliveries;
    this.#batches = stores.batches;
  }

  /** Settles a delivery, together with all others that are acked in this transaction. */
  ack(tx: WriteTransaction, lease: LeaseHandle): Ack {
    const ack: Ack = { lease, held: false };
    tx.acks.push(ack);
    return ack;
  }

  /** Writes the acks of a transaction. Before anybody looks, and before COMMIT. */
  write(tx: WriteTransaction): void {
    if (tx.acks.length === 0) return;
    const acks = tx.acks.splice(0);
    for (const claimed of Map.groupBy(acks, ({ lease }) => lease.token).values()) {
      // Events with a key have a delivery of their own from the first, though they were leased with a batch.
      const inBatch = claimed.filter(({ lease }) => lease.batchSize !== undefined);
      if (!this.#settleBatch(inBatch)) this.#deleteLeases(tx, inBatch);
      if (inBatch.length < claimed.length) {
        this.#deleteLeases(
          tx,
          claimed.filter(({ lease }) => lease.batchSize === undefined),
        );
      }
    }
    for (const { lease, held } of acks) if (held) this.#noteServed(tx, lease.groupId);
  }

  /** As seldom as will do. Should its transaction fail, an ack a little later notes it. */
  #noteServed(tx: WriteTransaction, groupId: number): void {
    if ((this.#servedNext.get(groupId) ?? 0) > tx.now) return;
    const group = this.#groups.byId(groupId);
    if (group !== undefined) this.#servedNext.set(groupId, this.#groups.touch(tx, group));
  }

  /** Settles acks of one batch in one go; `false` when there is no such batch, or no more. */
  #settleBatch(acks: readonly Ack[]): boolean {
    const [first] = acks;
    if (first?.lease.batchSize === undefined) return false;
    const { lease } = first;
    const positions = [...new Set(acks.map(({ lease: { position } }) => position))];
    const settled =
      positions.length === lease.batchSize
        ? this.#batches.settle(lease)
        : this.#batches.settleSome(lease, positions);
    if (settled) for (const ack of acks) ack.held = true;
    return settled;
  }

  /** Acks of events that one claim has leased. */
  #deleteLeases(tx: WriteTransaction, acks: readonly Ack[]): void {
    const [first] = acks;
    if (first === undefined) return;
    const { groupId, position, token } = first.lease;
    if (acks.length === 1) {
      const row = this.#connection.get<Keyed>(SQL.deleteLease, groupId, position, token);
      first.held = row !== undefined;
      if (row !== undefined) this.#deliveries.letNext(tx, groupId, row.key);
      return;
    }
    const positions = JSON.stringify(acks.map(({ lease }) => lease.position));
    const rows = this.#connection.all<Keyed & { position: number }>(
      SQL.deleteLeases,
      groupId,
      token,
      positions,
    );
    const held = new Set(rows.map(({ position }) => position));
    for (const ack of acks) ack.held = held.has(ack.lease.position);
    for (const { key } of rows) this.#deliveries.letNext(tx, groupId, key);
  }

  /**
   * Gives a delivery back for another attempt, or to the dead letters, as its member states, and as is stored now for
   * what that leaves out. `false`: somebody else has it now.
   */
  nack(
    tx: WriteTransaction,
    lease: LeaseHandle,
    { given, ...options }: NackOptions & { readonly given: GivenGroupPolicy },
  ): boolean {
    const found = this.#held(lease);
    if (found === undefined) return false;
    const { group, delivery } = found;
    this.#groups.touch(tx, group);
    const error = toErrorData(options.reason);
    const { maxAttempts, backoff } = statedPolicy(group.policy, given);
    if (isPermanent(options.reason) || delivery.attempt >= maxAttempts) {
      const row = this.#deliveries.rowOf(delivery);
      if (row === undefined) this.#deliveries.forget(tx, group, delivery);
      else this.#deliveries.bury(tx, group, { delivery, row, error });
      return true;
    }
    const failures = withFailure(delivery, { time: tx.now, message: error.message });
    const { attempt } = delivery;
    const delay = options.delayMs ?? backoffDelayMs(backoff, attempt);
    this.#giveBack(tx, lease, { due: tx.now + delay, attempt, failures });
    return true;
  }

  /** Gives back what no handler began: due at once, and the attempt isn't counted. */
  release(tx: WriteTransaction, lease: LeaseHandle): boolean {
    const delivery = this.#held(lease)?.delivery;
    if (delivery === undefined) return false;
    const { attempt, failures } = delivery;
    this.#giveBack(tx, lease, { due: 0, attempt: attempt - 1, failures });
    return true;
  }

  /** Moves the end of a lease; the new one, or `false` as with `nack`. */
  extend(tx: WriteTransaction, lease: LeaseHandle, ms: number): number | false {
    const until = tx.now + ms;
    const { groupId, position, token } = lease;
    this.#unpack(lease);
    const changed = this.#connection.run(SQL.extendLease, until, groupId, position, token);
    if (changed === 0) return false;
    // A handler may run for longer than the group lives unserved.
    const group = this.#groups.find(lease.group);
    if (group !== undefined) this.#groups.touch(tx, group);
    return until;
  }

  #held(lease: LeaseHandle): { group: Group; delivery: Delivery } | undefined {
    const { groupId, position, token } = lease;
    this.#unpack(lease);
    const delivery = this.#connection.get<Delivery>(SQL.delivery, groupId, position, token);
    const group = this.#groups.find(lease.group);
    return delivery && group && { group, delivery };
  }

  /** What becomes of one event alone needs a row of its own. */
  #unpack(lease: LeaseHandle): void {
    if (lease.batchSize !== undefined) this.#batches.unpack(lease);
  }

  #giveBack(
    tx: WriteTransaction,
    lease: LeaseHandle,
    { due, attempt, failures }: WaitingDelivery,
  ): void {
    const { groupId, position, token } = lease;
    this.#connection.run(SQL.returnDelivery, due, attempt, failures, groupId, position, token);
    // Others learn when to look again.
    tx.rings = true;
  }
}
