/**
 * The last so many entries. The order is kept in a ring, because finding the oldest entry of a Map means
 * walking over all that were deleted before it.
 */
export class RecentMap<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();
  readonly #ring: string[] = [];
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Takes a new key, and returns what was kept for the one that is forgotten for it. */
  add(key: string, value: Value): Value | undefined {
    if (this.#values.has(key)) return undefined;
    const oldest = this.#ring[this.#next];
    const forgotten = oldest === undefined ? undefined : this.#values.get(oldest);
    if (oldest !== undefined) this.#values.delete(oldest);
    this.#values.set(key, value);
    this.#ring[this.#next] = key;
    this.#next = (this.#next + 1) % this.#most;
    return forgotten;
  }

  clear(): void {
    this.#values.clear();
    this.#ring.length = 0;
    this.#next = 0;
  }
}
