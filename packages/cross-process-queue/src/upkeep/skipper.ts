import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { BatchStore } from "../groups/batch-store.ts";
import type { Connection } from "../database/connection.ts";
import type { DeliveryStore } from "../leasing/delivery-store.ts";
import type { Group, GroupStore } from "../groups/group-store.ts";
import type { EventLog } from "../log/event-log.ts";
import { SQL } from "../schema/statements.ts";

/** Events of the log that one transaction passes over: counting them takes some milliseconds. */
const MOST_PASSED = 20_000;
/** Deliveries that one transaction drops. */
const MOST_DROPPED = 500;

/** What a skipper works with. */
export interface SkipperParts {
  readonly connection: Connection;
  readonly log: EventLog;
  readonly groups: GroupStore;
  readonly deliveries: DeliveryStore;
  readonly batches: BatchStore;
}

/** Makes groups pass over what is older than their policy allows. Its calls are synchronous. */
export class Skipper {
  readonly #parts: SkipperParts;

  constructor(parts: SkipperParts) {
    this.#parts = parts;
  }

  /** Whether the group has something to skip. */
  isDue(group: Group, now: number): boolean {
    const bound = this.#boundOf(group, now);
    if (bound === undefined) return false;
    return (
      group.cursor < bound ||
      this.#parts.connection.get(SQL.staleDelivery, group.id, bound, now) !== undefined ||
      this.#parts.connection.get(SQL.staleBatch, group.id, bound, now) !== undefined
    );
  }

  /** Skips some of it; how many events, and whether there is more. */
  skip(tx: WriteTransaction, group: Group): { readonly count: number; readonly more: boolean } {
    const bound = this.#boundOf(group, tx.now);
    if (bound === undefined) return { count: 0, more: false };
    const upTo = Math.min(bound, group.cursor + MOST_PASSED);
    const passed = this.#pass(group, upTo);
    const dropped = this.#drop(tx, group, bound);
    const count = passed + dropped;
    if (count > 0) this.#parts.connection.run(SQL.countSkipped, count, group.id);
    return { count, more: upTo < bound || dropped === MOST_DROPPED };
  }

  /** The newest position that is too old; `undefined` when the policy has no bound, or nothing is. */
  #boundOf({ policy }: Group, now: number): number | undefined {
    if (policy.skipAfterMs === null) return undefined;
    const bound = this.#parts.log.positionAt(now - policy.skipAfterMs) - 1;
    return bound > 0 ? bound : undefined;
  }

  /** Passes over events that no member has seen. */
  #pass(group: Group, upTo: number): number {
    if (upTo <= group.cursor) return 0;
    const { connection, groups } = this.#parts;
    // Redriven events have a delivery already, and are counted when that is dropped.
    const count = groups.ahead.upTo(group, upTo);
    connection.run(SQL.seekCursor, upTo, group.id);
    return count;
  }

  /** Drops what failed, is held back by its key, or was leased by a member that is gone. */
  #drop(tx: WriteTransaction, group: Group, bound: number): number {
    const { connection, deliveries, batches } = this.#parts;
    batches.unpackDue(group.id, tx.now);
    const dropped = connection.all<{ key: string | null }>(SQL.dropStale, {
      group: group.id,
      upTo: bound,
      now: tx.now,
      limit: MOST_DROPPED,
    });
    for (const key of new Set(dropped.map((delivery) => delivery.key))) {
      deliveries.letNext(tx, group.id, key);
    }
    return dropped.length;
  }
}
