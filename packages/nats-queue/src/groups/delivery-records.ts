import type { DeadLetter } from "@ringrift/event-queue";
import type { Group, Lane } from "./group.ts";
import type { Names } from "../server/names.ts";
import type { StateEntry, StateStore } from "../messages/state-store.ts";

/**
 * What is known of an event of no key, or of a redriven one, that isn't a plain first delivery: it failed, or was given back
 * unbegun. Plain deliveries have none.
 */
export interface DeliveryRecord {
  /** Of the event: a position may be another one's by now, where the server has lost the end of its log. */
  readonly id: string;
  /** The server's count of deliveries when `attempts` was right. */
  readonly delivery: number;
  /** Attempts that count, up to and with that delivery. */
  readonly attempts: number;
  /** Nobody holds it: it waits for its time. */
  readonly idle: boolean;
  /** It is settled, and somebody may ask: a member whose lease on it ran out, or whoever redrives an old letter of it. */
  readonly isDone?: true | undefined;
  /** A lease on it ran out: whoever had that may come back, and not know it. */
  readonly wasLost?: true | undefined;
  /** It is, or was, held until then, by the server's clock: noted where its holder doesn't settle it in time. */
  readonly until?: number | undefined;
  /** Nobody may begin it before then, by the server's clock, though the server gives it to them. */
  readonly notBefore?: number | undefined;
  /** Who holds it again after the lease has run out. */
  readonly holder?: string | undefined;
  /** It waits, in a group that skips: where the server is told that it is settled. */
  readonly ackTo?: string | undefined;
  readonly failures: DeadLetter["history"];
}

/** A record, and the revision that a change of it must name (0 for none). */
export interface KnownRecord {
  readonly record: DeliveryRecord | undefined;
  readonly revision: number;
}

/** A record, and which event it is of. */
export interface FoundRecord {
  readonly lane: Lane;
  readonly position: number;
  readonly record: DeliveryRecord;
  readonly revision: number;
}

/** The records of all groups. */
export class DeliveryRecords {
  readonly #state: StateStore;
  readonly #names: Names;

  constructor(state: StateStore, names: Names) {
    this.#state = state;
    this.#names = names;
  }

  async get(group: Group, lane: Lane, position: number, id: string): Promise<KnownRecord> {
    const entry = await this.#state.get(this.#names.delivery(group.incarnation, lane, position));
    const record = entry && toRecord(entry);
    return { record: record?.id === id ? record : undefined, revision: entry?.revision ?? 0 };
  }

  /**
   * Resolves to the new revision, or `undefined` when somebody else changed it since it was read.
   *
   * @param lastsMs - after which the server removes it; without it, it stays
   */
  swap(
    group: Group,
    lane: Lane,
    position: number,
    record: DeliveryRecord,
    revision: number,
    lastsMs?: number,
  ): Promise<number | undefined> {
    const subject = this.#names.delivery(group.incarnation, lane, position);
    return this.#state.swap(subject, JSON.stringify(record), revision, { lastsMs });
  }

  async remove(revision: number): Promise<void> {
    if (revision > 0) await this.#state.remove(revision);
  }

  async ofGroup(group: Group): Promise<FoundRecord[]> {
    const entries = await this.#state.list(this.#names.deliveries(group.incarnation));
    return entries.map((entry) => {
      const [lane, position] = entry.subject.split(".").slice(-2);
      const { revision } = entry;
      return { lane: lane as Lane, position: Number(position), record: toRecord(entry), revision };
    });
  }
}

function toRecord({ text }: StateEntry): DeliveryRecord {
  // The cast is safe: written by swap.
  return JSON.parse(text) as DeliveryRecord;
}

/** Whether the attempt before a delivery was lost with its lease, and not given back. */
export function isAfterLoss(
  delivery: number,
  record: Pick<DeliveryRecord, "delivery" | "idle"> | undefined,
): boolean {
  if (record === undefined) return delivery > 1;
  return !record.idle || delivery > record.delivery + 1;
}

/** Which attempt a delivery is: those that counted before, and the deliveries since. */
export function attemptOf(
  delivery: number,
  record: Pick<DeliveryRecord, "delivery" | "attempts"> | undefined,
): number {
  if (record === undefined) return delivery;
  // After a crash of the server its count may be behind what we know.
  return record.attempts + Math.max(1, delivery - record.delivery);
}
