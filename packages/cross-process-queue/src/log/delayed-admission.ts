import { runDetached } from "@ringrift/envelope";
import type { Appender } from "./appender.ts";
import type { Committer } from "../commit/committer.ts";
import type { Connection } from "../database/connection.ts";
import type { DelayedEvents } from "./delayed-events.ts";
import { isWorthTryingAgain } from "../commit/background-errors.ts";

/** After a failure. */
const TRY_AGAIN_MS = 250;
const LONGEST_TIMER_MS = 2_147_483_647;
/** Events of one transaction: a few milliseconds. */
const PORTION = 200;

/** What admission works with. */
export interface AdmissionParts {
  readonly connection: Connection;
  readonly committer: Committer;
  readonly delayed: DelayedEvents;
  readonly appender: Appender;
}

/**
 * Takes delayed events into the log when their time has come. It has to be told when something has changed: others may
 * have delayed some too, and by the clock. Never keeps the process alive.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  #timer: NodeJS.Timeout | undefined;
  /** When something is due, as far as is known. */
  #next = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.lookAgain();
  }

  /** There may be something due that isn't known of, or sooner than it was. */
  lookAgain(): void {
    this.expect(0);
  }

  /** There will be something due at this moment. */
  expect(dueAt: number): void {
    if (this.#stopped || dueAt >= this.#next) return;
    this.#next = dueAt;
    if (this.#running !== undefined) return;
    clearTimeout(this.#timer);
    const ms = Math.min(Math.max(dueAt - Date.now(), 1), LONGEST_TIMER_MS);
    this.#timer = runDetached(() => setTimeout(() => this.#wake(), ms).unref());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wake(): void {
    this.#next = Number.POSITIVE_INFINITY;
    this.#running = this.#admitDue().then((dueAt) => {
      this.#running = undefined;
      const next = Math.min(dueAt, this.#next);
      this.#next = Number.POSITIVE_INFINITY;
      this.expect(next);
    });
  }

  /** Resolves to when the next one is due. Never rejects. */
  async #admitDue(): Promise<number> {
    const { connection, committer, delayed, appender } = this.#parts;
    try {
      for (;;) {
        const next = await connection.read(() => delayed.nextDue());
        if (next === undefined || next > Date.now()) return next ?? Number.POSITIVE_INFINITY;
        if (this.#stopped) return next;
        await committer.submit((tx) => appender.admit(tx, PORTION), { urgent: false });
      }
    } catch (error) {
      this.#stopped ||= !isWorthTryingAgain(error, "Taking in delayed events");
      return Date.now() + TRY_AGAIN_MS;
    }
  }
}
