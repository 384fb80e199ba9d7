import type { BatchStore } from "./batches.ts";
import type { Connection } from "./connection.ts";
import type { DeliveryStore } from "./deliveries.ts";
import type { Group, GroupStore } from "./groups.ts";
import type { Joining } from "./joining.ts";
import { SQL } from "./schema.ts";
import type { WriteTransaction } from "./write-transaction.ts";

/** Deliveries of one type that are dropped at once; what is left goes as it falls due. */
const MOST_DROPPED = 5_000;

/** What a type ender works with. */
export interface TypeEnderParts {
  readonly connection: Connection;
  readonly groups: GroupStore;
  readonly joining: Joining;
  readonly deliveries: DeliveryStore;
  readonly batches: BatchStore;
}

/** Ends the types of groups that nobody has wanted for too long. Its calls are synchronous. */
export class TypeEnder {
  readonly #parts: TypeEnderParts;

  constructor(parts: TypeEnderParts) {
    this.#parts = parts;
  }

  /** Whether there is something to do: to end types, or to note that nobody wants them. */
  isDue(group: Group, now: number): boolean {
    return this.#parts.joining.isToNotice(group, now) || this.#isOver(group, now);
  }

  /** Ends what is over; which types, and how many events were pending of them. */
  end(
    tx: WriteTransaction,
    { name, id }: Group,
  ): { readonly eventTypes: readonly string[]; readonly count: number } {
    const { connection, groups, joining } = this.#parts;
    joining.notice(tx, id);
    const group = groups.find(name);
    if (group === undefined || !this.#isOver(group, tx.now)) return { eventTypes: [], count: 0 };
    const wanted = group.wanted.withoutOver(tx.now);
    const ahead = groups.ahead(group) - groups.ahead({ ...group, wanted });
    groups.store(group, group.policy, wanted);
    const inFlight = connection.all<{ type: unknown }>(SQL.typesInFlight, id);
    const dropped = inFlight
      .map(({ type }) =>
        typeof type === "string" && !wanted.has(type) ? this.#drop(tx, id, type) : 0,
      )
      .reduce((sum, count) => sum + count, 0);
    const count = ahead + dropped;
    if (count > 0) connection.run(SQL.countSkipped, count, id);
    return { eventTypes: group.wanted.over(tx.now), count };
  }

  /** While nobody is there, it wants what it wanted last. */
  #isOver(group: Group, now: number): boolean {
    return (
      group.wanted.withoutOver(now) !== group.wanted && this.#parts.joining.isServed(group, now)
    );
  }

  /** Drops what no member has just now. */
  #drop(tx: WriteTransaction, groupId: number, type: string): number {
    const { connection, deliveries, batches } = this.#parts;
    batches.unpackDue(groupId, tx.now);
    const dropped = connection.all<{ key: string | null }>(SQL.dropOfType, {
      group: groupId,
      type,
      now: tx.now,
      limit: MOST_DROPPED,
    });
    for (const key of new Set(dropped.map((delivery) => delivery.key))) {
      deliveries.letNext(tx, groupId, key);
    }
    return dropped.length;
  }
}
