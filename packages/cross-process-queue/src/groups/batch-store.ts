import type { Connection } from "../database/connection.ts";
import { SQL } from "../schema/statements.ts";

/** A batch as its lease names it. */
export interface BatchName {
  readonly groupId: number;
  readonly token: number;
}

/**
 * What was leased together, while nothing but the lease is known of it: one row for all of a claim's first
 * deliveries without a key, which goes when they are acked together. As soon as they differ (one is acked, nacked
 * or extended by itself, or the lease runs out), the batch is unpacked into rows of `deliveries` with its token.
 * Its calls are synchronous, in the write transaction of who calls.
 */
export class BatchStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** `positions` ascend, and none of them has a delivery in the group. */
  add({ groupId, token }: BatchName, due: number, positions: readonly number[]): void {
    this.#connection.run(SQL.insertBatch, groupId, token, due, JSON.stringify(positions));
  }

  /** Settles all of it; `false` when it was unpacked or taken away before. */
  settle({ groupId, token }: BatchName): boolean {
    return this.#connection.run(SQL.deleteBatch, groupId, token) === 1;
  }

  /** Settles these of it and unpacks the others; `false` when there are none of it. */
  settleSome(batch: BatchName, positions: readonly number[]): boolean {
    return this.#unpack(batch, positions);
  }

  /** Gives each of its events a row of its own, if it is still there. */
  unpack(batch: BatchName): void {
    this.#unpack(batch, []);
  }

  /** Unpacks those whose lease has run out. */
  unpackDue(groupId: number, now: number): void {
    const due = this.#connection.all<{ token: number }>(SQL.dueBatches, groupId, now);
    for (const { token } of due) this.unpack({ groupId, token });
  }

  /** Unpacks the one that has the event at this position, if one has. */
  unpackWith(groupId: number, position: number): void {
    const found = this.#connection.get<{ token: number }>(SQL.batchWith, groupId, position);
    if (found !== undefined) this.unpack({ groupId, token: found.token });
  }

  /** How many events are in batches of a group, and of how many the lease has run out. */
  counts(groupId: number, now: number): { readonly pending: number; readonly expired: number } {
    const counts = this.#connection.get<{ pending: number; expired: number }>(
      SQL.batchCounts,
      now,
      groupId,
    );
    return counts ?? { pending: 0, expired: 0 };
  }

  /** The lowest position in batches of a group. */
  oldest(groupId: number): number | undefined {
    const row = this.#connection.get<{ position: number | null }>(SQL.oldestInBatch, groupId);
    return row?.position ?? undefined;
  }

  /** Drops all of a group. */
  clear(groupId: number): void {
    this.#connection.run(SQL.deleteBatches, groupId);
  }

  #unpack(batch: BatchName, settled: readonly number[]): boolean {
    const { groupId, token } = batch;
    const rows = this.#connection.run(SQL.unpackBatch, groupId, token, JSON.stringify(settled));
    return rows > 0 && this.settle(batch);
  }
}
