/** A place in a {@link MoveOrder}. */
export interface Place<Item> {
  readonly item: Item;
  before: Place<Item> | undefined;
  after: Place<Item> | undefined;
}

/** Items in the order in which they moved last, as a linked list: a move costs the same however many there are. */
export class MoveOrder<Item> {
  #first: Place<Item> | undefined;
  #last: Place<Item> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The one that moved longest ago. */
  get first(): Item | undefined {
    return this.#first?.item;
  }

  /** Puts an item behind all others; it must not be in the order already. */
  append(item: Item): Place<Item> {
    const place: Place<Item> = { item, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = place;
    else this.#first = place;
    this.#last = place;
    this.#size += 1;
    return place;
  }

  remove({ before, after }: Place<Item>): void {
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    this.#size -= 1;
  }
}
