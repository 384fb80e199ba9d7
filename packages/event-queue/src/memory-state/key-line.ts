import type { GroupEntry } from "./group-entry.ts";

/** Unsettled events of one key, by position. To add one at the end and to take the first away costs the same at any length. */
export class KeyLine {
  #entries: GroupEntry[] = [];
  /** What lies before it is gone. */
  #start = 0;

  get first(): GroupEntry | undefined {
    return this.#entries[this.#start];
  }

  add(entry: GroupEntry): void {
    const { position } = entry.record;
    let index = this.#entries.length;
    // Only redriven events come behind later ones.
    while (index > this.#start && positionAt(this.#entries, index - 1) > position) index -= 1;
    this.#entries.splice(index, 0, entry);
  }

  delete(entry: GroupEntry): void {
    if (this.first !== entry) {
      const index = this.#entries.indexOf(entry, this.#start);
      if (index !== -1) this.#entries.splice(index, 1);
      return;
    }
    this.#start += 1;
    if (this.#start * 2 <= this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }
}

function positionAt(entries: readonly GroupEntry[], index: number): number {
  return entries[index]?.record.position ?? 0;
}
