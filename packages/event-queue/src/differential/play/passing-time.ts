import type { Answer } from "./perform.ts";
import { type Command, LOG_OPTIONS } from "../script/script.ts";
import type { Side } from "./side.ts";
import type { ScriptClock } from "../clocks/script-clock.ts";

/** In such a time groups expire. */
const LONG_MS = 86_400_000;

/** What two commands do isn't done in the same moment. */
const TICK_MS = 1;

/** How much time a command takes. */
export function timeOf(command: Command, clock: ScriptClock): number {
  if (command.do === "pass") return command.ms;
  if (command.do !== "passTo") return TICK_MS;
  return Math.max(clock.momentBefore(command.back) + command.after - clock.now(), TICK_MS);
}

/** Lets time pass for both queues, and lets both do what they do by themselves. */
export class PassingTime {
  readonly #clock: ScriptClock;
  readonly #reference: Side;
  readonly #subject: Side;
  /** When delayed events fall due. */
  #dueAts: number[] = [];

  constructor(clock: ScriptClock, reference: Side, subject: Side) {
    this.#clock = clock;
    this.#reference = reference;
    this.#subject = subject;
  }

  /** Remembers which events an answer says are delayed. */
  note(answer: Answer): void {
    if (answer.kind !== "events") return;
    for (const event of answer.events) {
      if (typeof event !== "object" || !("dueAt" in event) || event.dueAt === undefined) continue;
      this.#dueAts.push(event.dueAt);
    }
  }

  async pass(ms: number): Promise<void> {
    const end = this.#clock.now() + ms;
    // Whether a group expires before events enter the log that were due long ago is open.
    const stops =
      ms < LONG_MS
        ? []
        : this.#dueAts.filter((dueAt) => dueAt < end).toSorted((one, other) => one - other);
    for (const now of [...stops, end]) {
      await this.#clock.pass(now - this.#clock.now());
      await this.#admitDue();
    }
    await this.#renewNewest();
  }

  /** What is due enters the log by itself, a moment later; at once, when an instance is opened. */
  async #admitDue(): Promise<void> {
    const now = this.#clock.now();
    if (!this.#dueAts.some((dueAt) => dueAt <= now)) return;
    this.#dueAts = this.#dueAts.filter((dueAt) => dueAt > now);
    const { delayed } = await this.#reference.observer.stats();
    await this.#subject.awaitDelayed(delayed);
    await this.#sweep();
  }

  /**
   * A log may keep its newest event, however old it is. So that both keep the same, another one follows it when it
   * would be too old.
   */
  async #renewNewest(): Promise<void> {
    const newest = this.#subject.log.seen.at(-1);
    if (newest === undefined) return;
    if (newest.storedAt >= this.#clock.now() - LOG_OPTIONS.retentionMs) return;
    // What is too old goes first: groups that expire now have never had the new one.
    await this.#sweep();
    for (const side of [this.#reference, this.#subject]) await side.observer.send("C", "newest");
  }

  async #sweep(): Promise<void> {
    await this.#reference.observe();
    await this.#subject.observe();
  }
}
