import type { ScriptClock } from "./script-clock.ts";

/** Nothing is asked so shortly before something ends: it takes a while to ask both sides. */
const BEFORE_MS = 250;
/** So much later than it should a server may end something. */
const LATE_MS = 120;
/** A redriven event of a key may come some seconds later: members have to know of it first. */
const SLACK_MS = 5_000;
/** A lease ends on a server some time after its holder takes it for over: a tenth of it, but no less and no more than this. */
const GRACE_MS = [20, 1_000] as const;

/** Something that ends: no earlier than `from`, no later than `to`. */
interface Ending {
  readonly from: number;
  readonly to: number;
}

/**
 * The real time, read now and then. Where something is about to end, it waits until that is over on both sides: so it
 * doesn't matter how fast the machine is. Where it was too slow for that all the same, it knows.
 */
export class RealClock implements ScriptClock {
  readonly isReal = true;
  readonly wasSetBack = false;
  readonly slackMs: number = SLACK_MS;
  #now = Date.now();
  readonly #readings: number[] = [this.#now];
  readonly #beginning = this.#now;
  #endings: Ending[] = [];
  #isUnsure = false;

  readonly now = (): number => this.#now;

  readonly since = (time: number): string => showMoment(time - this.#beginning);

  get isUnsure(): boolean {
    const now = Date.now();
    this.#isUnsure ||= this.#endings.some(({ from }) => from > this.#now && from <= now);
    return this.#isUnsure;
  }

  momentOf(nth: number): number;
  momentOf(nth: number | undefined): number | undefined;
  momentOf(nth: number | undefined): number | undefined {
    return nth === undefined ? undefined : this.#readings[nth % this.#readings.length];
  }

  momentBefore(back: number): number {
    return this.#readings.at(-1 - (back % this.#readings.length)) ?? this.#beginning;
  }

  readingAt(time: number): number {
    // A server's clock is known to the millisecond.
    return this.#readings.findLast((reading) => reading <= time + 1) ?? this.#beginning;
  }

  async pass(ms: number): Promise<void> {
    const left = this.#now + ms - Date.now();
    if (left > 0) await sleep(left);
    await this.settle();
  }

  async settle(): Promise<boolean> {
    this.#isUnsure = this.isUnsure;
    let hasEnded = false;
    for (;;) {
      const now = Date.now();
      const near = this.#endings.filter(({ from }) => from - BEFORE_MS <= now);
      if (near.length === 0) break;
      hasEnded = true;
      this.#endings = this.#endings.filter((ending) => !near.includes(ending));
      const left = Math.max(...near.map(({ to }) => to)) - now;
      if (left > 0) await sleep(left);
    }
    // No two readings are the same, and nothing that has ended on one side happened at a reading.
    if (Date.now() <= this.#now + 2) await sleep(3);
    this.#now = Date.now();
    this.#readings.push(this.#now);
    return hasEnded;
  }

  expect(end: number): void {
    const [least, most] = GRACE_MS;
    const ms = end - this.#now;
    if (ms <= 0) return;
    const late = LATE_MS + Math.min(most, Math.max(least, ms / 10));
    this.#endings.push({ from: end, to: Date.now() + ms + late });
  }

  install(): void {}

  restore(): void {}
}

const MOMENT = /^about ms (-?\d+)$/;

function showMoment(ms: number): string {
  return `about ms ${ms}`;
}

/** Whether two moments, as a clock shows them, are the same as far as one can say. */
export function isSameMoment(one: unknown, other: unknown): boolean {
  if (typeof one !== "string" || typeof other !== "string") return false;
  const [first, second] = [MOMENT.exec(one)?.[1], MOMENT.exec(other)?.[1]];
  if (first === undefined || second === undefined) return false;
  return Math.abs(Number(first) - Number(second)) <= SLACK_MS;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
