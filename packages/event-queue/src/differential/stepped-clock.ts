const { now: realNow } = Date;

/** When each script begins. */
const BEGINNING = Date.UTC(2027, 0, 1);

/**
 * The clock of a script. It stands still unless it is told otherwise. While a script is played it is what `Date.now`
 * says, so that both queues see the same time.
 */
export class SteppedClock {
  #now = BEGINNING;
  readonly #readings: number[] = [BEGINNING];
  /** It was set back. */
  wasSetBack = false;

  readonly now = (): number => this.#now;

  advance(ms: number): void {
    this.#now += ms;
    this.wasSetBack ||= ms < 0;
    this.#readings.push(this.#now);
  }

  /** One of the times that it has shown: scripts choose their moments among these. */
  momentOf(nth: number): number;
  momentOf(nth: number | undefined): number | undefined;
  momentOf(nth: number | undefined): number | undefined {
    return nth === undefined ? undefined : this.#readings[nth % this.#readings.length];
  }

  /** The time that it has shown so many readings ago. */
  momentBefore(back: number): number {
    return this.#readings.at(-1 - (back % this.#readings.length)) ?? BEGINNING;
  }

  /** In ms since the script began: as answers show it. */
  readonly since = (time: number): number => time - BEGINNING;

  install(): void {
    Date.now = this.now;
  }

  restore(): void {
    Date.now = realNow;
  }
}
