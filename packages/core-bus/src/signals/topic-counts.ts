/** How often each of the topics seen last came up; the one seen first makes room for a new one. */
export class TopicCounts {
  readonly #capacity: number;
  readonly #counts = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  count(topic: string): void {
    const known = this.#counts.get(topic);
    if (known === undefined && this.#counts.size === this.#capacity) {
      const oldest = this.#counts.keys().next();
      if (!oldest.done) this.#counts.delete(oldest.value);
    }
    this.#counts.set(topic, (known ?? 0) + 1);
  }

  snapshot(): { readonly topic: string; readonly events: number }[] {
    return Array.from(this.#counts, ([topic, events]) => ({ topic, events }));
  }
}
