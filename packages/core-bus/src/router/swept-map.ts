/** Removed keys that are kept whatever the number of the others. */
const KEPT = 16;

/**
 * A map from text whose keys come and go. V8's `Map` keeps a deleted entry in its chain until the
 * next rehash, so that setting and deleting one key again and again walks thousands of them. Here a
 * removed key keeps its place, and all such places are swept when they are more than the others.
 */
export class SweptMap<V extends object | number> extends Map<string, V> {
  #removed = 0;

  /** Keys that have a value. */
  override get size(): number {
    return super.size - this.#removed;
  }

  override set(key: string, value: V): this {
    if (this.#removed > 0 && this.has(key) && this.get(key) === undefined) this.#removed -= 1;
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    if (this.get(key) === undefined) return false;
    super.set(key, undefined as never);
    this.#removed += 1;
    if (this.#removed > KEPT && this.#removed > super.size / 2) this.#sweep();
    return true;
  }

  override *[Symbol.iterator](): MapIterator<[key: string, value: V]> {
    for (const entry of super.entries()) if (entry[1] !== undefined) yield entry;
  }

  #sweep(): void {
    const kept = [...this];
    this.clear();
    this.#removed = 0;
    for (const [key, value] of kept) super.set(key, value);
  }
}
