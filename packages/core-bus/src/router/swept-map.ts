/** Removed keys that are kept whatever the number of the others. */
const KEPT = 16;

/**
 * A map from text whose keys come and go. V8's `Map` keeps a deleted entry in its chain until the
 * next rehash, so that setting and deleting one key again and again walks thousands of them. Here a
 * removed key keeps its place, and all such places are swept when they are more than the others.
 */
export class SweptMap<V extends object | number> {
  #places = new Map<string, V | undefined>();
  #removed = 0;

  /** Keys that have a value. */
  get size(): number {
    return this.#places.size - this.#removed;
  }

  get(key: string): V | undefined {
    return this.#places.get(key);
  }

  set(key: string, value: V): void {
    if (this.#removed > 0 && this.#places.has(key) && this.#places.get(key) === undefined) {
      this.#removed -= 1;
    }
    this.#places.set(key, value);
  }

  delete(key: string): void {
    if (this.#places.get(key) === undefined) return;
    this.#places.set(key, undefined);
    this.#removed += 1;
    if (this.#removed > KEPT && this.#removed > this.#places.size / 2) this.#sweep();
  }

  *[Symbol.iterator](): Generator<[key: string, value: V]> {
    for (const [key, value] of this.#places) if (value !== undefined) yield [key, value];
  }

  #sweep(): void {
    this.#places = new Map(this);
    this.#removed = 0;
  }
}
