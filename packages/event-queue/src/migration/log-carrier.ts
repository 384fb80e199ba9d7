import type { EventSpot } from "../backend/migration-backend.ts";
import type { QueueMigration } from "./queue-migration.ts";
import type { OutgoingEvent } from "../contract/event-queue.ts";
import { PermanentError, QueueError } from "../failures/errors.ts";
import type { StoredEvent } from "../contract/events.ts";
import { EventSender, GivenBack } from "./event-sender.ts";
import { outgoingCopy } from "./outgoing-copy.ts";

/** Events that are stored at once. */
const BATCH = 500;
/** So few may be left to carry while senders are held. */
const LITTLE = 50;
/** Delayed events are several writes each. */
const DELAYED = 200;
/** They don't fall due while senders are held. */
const FAR_MS = 60_000;
/** Events after which it is noted in the old queue how far it is. */
const NOTE_EVERY = 2_000;

/** What a {@link LogCarrier} works with. */
export interface LogCarrierOptions {
  readonly from: QueueMigration;
  readonly to: QueueMigration;
  /** Told how far it is, and how many were copied. */
  readonly onProgress: (copied: number) => void;
  /** Told where a delayed event of the old queue is in the log of the new one. */
  readonly onEarly: (position: number) => void;
  /** Everything up to this position is in the new queue. */
  readonly note: (position: number) => Promise<unknown>;
}

/** Carries a log into another one, in order and in batches. */
export class LogCarrier {
  copied = 0;
  /** Delayed events that it added. */
  delayed = 0;
  /** Up to this position of the old log everything is in the new one. */
  after = 0;
  readonly #options: LogCarrierOptions;
  readonly #sender: EventSender;
  #noted = 0;
  /** Delayed events that fall due from this moment on were carried before senders were held. */
  #farFrom = Number.POSITIVE_INFINITY;
  #added = 0;

  constructor(options: LogCarrierOptions) {
    this.#options = options;
    this.#sender = new EventSender({
      target: options.to,
      onBlocked: () => {},
      onStored: (count, duplicates) => {
        this.#added += count - duplicates;
      },
    });
  }

  /**
   * While others send: for as long as it catches up with them, and until little is left.
   *
   * @param newest - asks for the position of the newest event
   */
  async catchUp(newest: () => Promise<number>): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    for (;;) {
      const upTo = await newest();
      const left = upTo - this.after;
      // Who sends faster than it can carry would never be held.
      if (left <= LITTLE || left > before / 2) return;
      before = left;
      await this.carryLog(upTo);
    }
  }

  /** Until nothing more is there, or up to a position. */
  async carryLog(upTo: number = Number.POSITIVE_INFINITY): Promise<void> {
    const { from, note, onProgress } = this.#options;
    while (this.after < upTo) {
      const { events } = await from.read(this.after, BATCH);
      const last = events.at(-1);
      if (last === undefined) return;
      this.copied += await this.#store(events.map((event) => outgoingCopy(event)));
      this.after = last.position;
      onProgress(this.copied);
      if (this.after - this.#noted < NOTE_EVERY) continue;
      await note(this.after);
      this.#noted = this.after;
    }
  }

  /** While others send: the delayed events that surely don't fall due before the rest is carried. */
  async carryFarDelayed(): Promise<void> {
    this.#farFrom = Date.now() + FAR_MS;
    await this.#eachDelayed(async (events) => {
      await this.#storeDelayed(events.filter((event) => this.#isFar(event)));
    });
  }

  /** All the others. What waits for its time waits for the rest of it; what fell due meanwhile is stored now. */
  async carryDelayed(): Promise<void> {
    await this.#eachDelayed(async (events) => {
      const far = events.filter((event) => this.#isFar(event));
      const spots = await this.#options.to.locate(far);
      const known = new Set(far.filter((_, index) => spots[index] !== undefined));
      this.#noteEarly(spots);
      await this.#storeDelayed(events.filter((event) => !known.has(event)));
    });
  }

  async #eachDelayed(work: (events: readonly StoredEvent[]) => Promise<void>): Promise<void> {
    const { from } = this.#options;
    let after: string | undefined;
    do {
      const { items, next } = await from.delayed({ after, limit: DELAYED });
      await work(items);
      after = next;
    } while (after !== undefined);
  }

  async #storeDelayed(events: readonly StoredEvent[]): Promise<void> {
    const added = await this.#store(events.map(delayedCopy));
    this.delayed += added;
    if (added < events.length) this.#noteEarly(await this.#options.to.locate(events));
  }

  /** An earlier run has carried some of them, and they may have fallen due in the new queue before they did in the old one. */
  #noteEarly(spots: readonly EventSpot[]): void {
    for (const spot of spots) if (typeof spot === "number") this.#options.onEarly(spot);
  }

  #isFar({ dueAt = 0 }: StoredEvent): boolean {
    return dueAt >= this.#farFrom;
  }

  end(): void {
    this.#sender.end();
  }

  /** How many were added. */
  async #store(events: readonly OutgoingEvent[]): Promise<number> {
    const before = this.#added;
    const results = await Promise.allSettled(events.map((event) => this.#sender.carry(event)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw reasonOf(failed.reason);
    return this.#added - before;
  }
}

function delayedCopy(event: StoredEvent): OutgoingEvent {
  const delayMs = Math.max(0, (event.dueAt ?? 0) - Date.now());
  return { ...outgoingCopy(event), delayMs };
}

function reasonOf(reason: unknown): unknown {
  if (reason instanceof GivenBack) return reason.cause;
  if (!(reason instanceof PermanentError)) return reason;
  return new QueueError(
    "MIGRATION_REFUSED",
    `${reason.message} So the queue can't be moved as it is: open the new queue in such a way that it takes this event, and call migrateQueue again. What was carried so far is not carried again.`,
    { cause: reason.cause },
  );
}
