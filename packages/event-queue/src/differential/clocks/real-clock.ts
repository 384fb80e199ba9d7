import type { Script } from "../script/script.ts";
import type { ScriptClock } from "./script-clock.ts";

/** Nothing is asked so shortly before something ends: it takes a while to ask both sides. */
const BEFORE_MS = 250;
/** So much later than it should a server may end something. */
const LATE_MS = 120;
/** So much earlier than this process a server may take it to be. */
const SKEW_MS = 10;
/** Around a moment that a script chooses nothing happens for so long, each way: a server's time is known to some ms. */
const QUIET_MS = 40;
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
  #now = Date.now();
  readonly #readings: number[] = [this.#now];
  readonly #beginning = this.#now;
  readonly #quietMs: number;
  #longestMs = 0;
  #endings: Ending[] = [];
  #isUnsure = false;

  constructor(script: Script) {
    this.#quietMs = hasMoments(script) ? QUIET_MS : 1;
  }

  readonly now = (): number => this.#now;

  readonly since = (time: number, moreMs = 0): string =>
    `about ms ${time - this.#beginning}, give or take ${this.slackMs + moreMs}`;

  /** What both queues do between two readings, memory does at the first one: so it may differ by the longest such time. */
  get slackMs(): number {
    return Math.max(this.#longestMs, this.#sinceReading(Date.now())) + SKEW_MS;
  }

  get isUnsure(): boolean {
    const now = Date.now();
    this.#isUnsure ||= this.#endings.some(({ from }) => from > this.#now && from <= now);
    return this.#isUnsure;
  }

  momentOf(nth: number): number;
  momentOf(nth: number | undefined): number | undefined;
  momentOf(nth: number | undefined): number | undefined {
    if (nth === undefined) return undefined;
    return (this.#readings[nth % this.#readings.length] ?? 0) - this.#quietMs;
  }

  momentBefore(back: number): number {
    return this.#readings.at(-1 - (back % this.#readings.length)) ?? this.#beginning;
  }

  readingAt(time: number): number {
    // A server's clock is known to the millisecond.
    return this.#readings.findLast((reading) => reading <= time + 1) ?? this.#beginning;
  }

  async pass(ms: number): Promise<void> {
    this.#isUnsure = this.isUnsure;
    const left = this.#now + ms - Date.now();
    if (left > 0) await sleep(left);
    // Whatever ends meanwhile may end: nothing was asked.
    this.#now = Date.now();
    await this.settle();
  }

  async settle(): Promise<boolean> {
    this.#isUnsure = this.isUnsure;
    let hasEnded = false;
    for (;;) {
      const now = Date.now();
      const near = this.#endings.filter(({ from }) => from - BEFORE_MS - 2 * this.#quietMs <= now);
      if (near.length === 0) break;
      hasEnded = true;
      this.#endings = this.#endings.filter((ending) => !near.includes(ending));
      const left = Math.max(...near.map(({ to }) => to)) - now;
      if (left > 0) await sleep(left);
    }
    if (!hasEnded) await sleep(2 * this.#quietMs + 1);
    const now = Date.now();
    this.#longestMs = Math.max(this.#longestMs, this.#sinceReading(now));
    this.#now = now;
    // What has ended happened before this on one side, and is noticed now on the other: no script chooses this moment.
    if (!hasEnded) this.#readings.push(now);
    return hasEnded;
  }

  #sinceReading(now: number): number {
    return now - (this.#readings.at(-1) ?? now);
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

const MOMENT = /^about ms (-?\d+), give or take ([\d.]+)$/;

/** Whether two moments, as a clock shows them, are the same as far as one can say. */
export function isSameMoment(one: unknown, other: unknown): boolean {
  if (typeof one !== "string" || typeof other !== "string") return false;
  const [first, second] = [MOMENT.exec(one), MOMENT.exec(other)];
  if (first === null || second === null) return false;
  const slackMs = Math.max(Number(first[2]), Number(second[2]));
  return Math.abs(Number(first[1]) - Number(second[1])) <= slackMs;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a script chooses moments by what the clock has shown. */
function hasMoments(script: Script): boolean {
  return /"(moment|since|until)":/.test(JSON.stringify(script));
}
