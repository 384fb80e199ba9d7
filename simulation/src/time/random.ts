/** Numbers that follow from a seed alone (mulberry32): the same seed gives the same ones on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds begin far apart.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True in `percent` of all cases. */
  chance(percent: number): boolean {
    return this.next() * 100 < percent;
  }

  /** One of them. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error("There is nothing to pick from.");
    // The cast is safe: the index is one of the array's.
    return choices[this.between(0, choices.length - 1)] as T;
  }

  /** Each of them in `percent` of all cases, and one in any case. */
  some<T>(choices: readonly T[], percent: number): T[] {
    const picked = choices.filter(() => this.chance(percent));
    return picked.length > 0 || choices.length === 0 ? picked : [this.pick(choices)];
  }
}
