import type { ScriptClock } from "./script-clock.ts";

const { now: realNow } = Date;

/** When each script begins. */
const BEGINNING = Date.UTC(2027, 0, 1);

/**
 * The clock of a script. It stands still unless it is told otherwise. While a script is played it is what `Date.now`
 * says, so that both queues see the same time.
 */
export class SteppedClock implements ScriptClock {
  readonly isReal = false;
  readonly isUnsure = false;
  readonly slackMs = 0;
  #now = BEGINNING;
  readonly #readings: number[] = [BEGINNING];
  /** It was set back. */
  wasSetBack = false;

  readonly now = (): number => this.#now;

  async pass(ms: number): Promise<void> {
    this.#now += ms;
    this.wasSetBack ||= ms < 0;
    this.#readings.push(this.#now);
  }

  momentOf(nth: number): number;
  momentOf(nth: number | undefined): number | undefined;
  momentOf(nth: number | undefined): number | undefined {
    return nth === undefined ? undefined : this.#readings[nth % this.#readings.length];
  }

  momentBefore(back: number): number {
    return this.#readings.at(-1 - (back % this.#readings.length)) ?? BEGINNING;
  }

  readingAt(time: number): number {
    return time;
  }

  async settle(): Promise<boolean> {
    return false;
  }

  expect(): void {}

  /** In ms since the script began. */
  readonly since = (time: number): number => time - BEGINNING;

  install(): void {
    Date.now = this.now;
  }

  restore(): void {
    Date.now = realNow;
  }
}
