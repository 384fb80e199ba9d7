import { setImmediate } from "node:timers/promises";

/** Quick handlers, and handlers of pure CPU, would go on in microtasks for ever: no timer and no I/O would run. */
const LONGEST_MS = 5;

/** How long a consumer has gone on without giving the event loop to others. */
export class EventLoopTurn {
  #beganAt = performance.now();
  #next: Promise<void> | undefined;

  /** Whether others should have the event loop before anything else is begun. */
  get isOver(): boolean {
    return this.#next !== undefined || performance.now() - this.#beganAt > LONGEST_MS;
  }

  /** Notes that something was awaited since then: if that took longer than a turn, others had theirs. */
  waitedSince(time: number): void {
    const now = performance.now();
    if (now - time > LONGEST_MS) this.#beganAt = now;
  }

  /** Lets the event loop turn. Calls that overlap wait for the same turn. */
  next(): Promise<void> {
    this.#next ??= this.#turn();
    return this.#next;
  }

  async #turn(): Promise<void> {
    await setImmediate();
    // The first one may come before the timers that are due; between the two of them everything has its turn.
    await setImmediate();
    this.#next = undefined;
    this.#beganAt = performance.now();
  }
}
