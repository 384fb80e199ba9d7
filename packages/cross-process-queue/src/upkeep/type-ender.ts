import type { BatchStore } from "../groups/batch-store.ts";
import type { Connection } from "../database/connection.ts";
import type { DeliveryStore } from "../leasing/delivery-store.ts";
import type { Group, GroupStore } from "../groups/group-store.ts";
import type { Joining } from "../groups/joining.ts";
import type { EventLog } from "../log/event-log.ts";
import { SQL } from "../schema/statements.ts";
import type { WriteTransaction } from "../commit/write-transaction.ts";

/** Deliveries of one type that are dropped at once; what is left goes as it falls due. */
const MOST_DROPPED = 5_000;

/** What a type ender works with. */
export interface TypeEnderParts {
  readonly connection: Connection;
  readonly log: EventLog;
  readonly groups: GroupStore;
  readonly joining: Joining;
  readonly deliveries: DeliveryStore;
  readonly batches: BatchStore;
}

/** How many events of types that are over a group had pending in a part of the log. */
export interface CountedEnding {
  readonly after: number;
  readonly upTo: number;
  readonly count: number;
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

  /** Counts what would end now: before the write lock is taken, since it may be much. */
  count(group: Group, now: number): CountedEnding | undefined {
    if (!this.#isOver(group, now)) return undefined;
    const { cursor: after } = group;
    const upTo = this.#parts.log.newest();
    return { after, upTo, count: this.#ending(group, { after, upTo, now }) };
  }

  /** Ends what is over; which types, and how many events were pending of them. `counted`: those counted before. */
  end(
    tx: WriteTransaction,
    { name, id }: Group,
    counted: CountedEnding | undefined,
  ): { readonly eventTypes: readonly string[]; readonly count: number } {
    const { connection, groups, joining } = this.#parts;
    joining.notice(tx, id);
    const group = groups.find(name);
    if (group === undefined || !this.#isOver(group, tx.now)) return { eventTypes: [], count: 0 };
    const wanted = group.wanted.withoutOver(tx.now);
    const ahead = this.#ahead(group, tx.now, counted);
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

  /** Only what has changed since it was counted is counted again. */
  #ahead(
    group: Group,
    now: number,
    counted: CountedEnding = { after: group.cursor, upTo: group.cursor, count: 0 },
  ): number {
    const { after, upTo, count } = counted;
    // What was passed in the meantime and isn't settled is dropped, and counted with what is dropped.
    const passed = this.#ending(group, { after, upTo: group.cursor, now, isPassed: true });
    const added = this.#ending(group, { after: upTo, upTo: this.#parts.log.newest(), now });
    return count - passed + added;
  }

  #ending(
    group: Group,
    {
      after,
      upTo,
      now,
      isPassed = false,
    }: Omit<CountedEnding, "count"> & { readonly now: number; readonly isPassed?: boolean },
  ): number {
    if (after >= upTo) return 0;
    const { ahead } = this.#parts.groups;
    const before = { ...group, cursor: after };
    const then = { ...before, wanted: group.wanted.withoutOver(now) };
    if (isPassed) return ahead.wantedUpTo(before, upTo) - ahead.wantedUpTo(then, upTo);
    return ahead.upTo(before, upTo) - ahead.upTo(then, upTo);
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
