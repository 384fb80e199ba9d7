/** Can be in one {@link Roster} at a time, which keeps its place here. */
export interface Rostered {
  /** -1 while it is in none. */
  place: number;
}

/**
 * A set, in no order, of objects that come and go all the time. A `Set` would do as well, but now and then it takes a
 * new table and leaves an old one, and the collections of the young generation take what that leads to for live: then
 * memory grows with every object that was in it until the next full collection.
 */
export class Roster<T extends Rostered> implements Iterable<T> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  has(one: T): boolean {
    return this.#members[one.place] === one;
  }

  /** `one` must be in no roster. */
  add(one: T): void {
    one.place = this.#members.push(one) - 1;
  }

  /** Without effect when it isn't here. */
  delete(one: T): void {
    if (!this.has(one)) return;
    const last = this.#members.pop();
    if (last !== undefined && last !== one) {
      this.#members[one.place] = last;
      last.place = one.place;
    }
    one.place = -1;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#members[Symbol.iterator]();
  }
}
