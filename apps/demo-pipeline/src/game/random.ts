/**
 * A small seeded generator (sfc32): the same seed gives the same numbers on every machine. Not for
 * secrets. A seed is any string, so that a job's seed can be read in its event: `"7/worker/3"`.
 *
 * @example
 * const random = new Random("seven");
 * random.below(49); // the same cell each time the program runs
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    // FNV-1a over three salted copies spreads short seeds over the whole state.
    const hash = (salt: number): number => {
      let h = 2166136261 ^ salt;
      for (let i = 0; i < seed.length; i++) h = Math.imul(h ^ seed.charCodeAt(i), 16777619);
      return h | 0;
    };
    this.#a = hash(0x9e3779b9);
    this.#b = hash(0x243f6a88);
    this.#c = hash(0xb7e15162);
    for (let i = 0; i < 15; i++) this.next();
  }

  /** The next unsigned 32-bit number. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.next() / 4294967296;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.next() / 4294967296) * bound);
  }
}
