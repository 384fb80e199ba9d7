import type { StoredEvent } from "../../contract/events.ts";

const PATIENCE_MS = 5_000;

/** What a stream gave, or that it is over. */
export type Pulled = StoredEvent | "end";

/** Takes out of a stream what is there, though a stream never says that there is no more. */
export class StreamTap {
  readonly #stream: AsyncIterableIterator<StoredEvent>;
  #next: Promise<IteratorResult<StoredEvent>> | undefined;

  constructor(stream: AsyncIterableIterator<StoredEvent>) {
    this.#stream = stream;
  }

  /** Waits for the first `expected`, and takes the others that are there at once. */
  async pull(expected: number): Promise<Pulled[]> {
    const pulled: Pulled[] = [];
    for (;;) {
      this.#next ??= this.#stream.next();
      const isExpected = pulled.length < expected;
      const result = await Promise.race([this.#next, isExpected ? afterPatience() : soon()]);
      if (result === undefined) return pulled;
      this.#next = undefined;
      if (result.done === true) return [...pulled, "end"];
      pulled.push(result.value);
    }
  }

  async end(): Promise<void> {
    // What it was asked for is answered by its end.
    this.#next?.catch(() => {});
    await this.#stream.return?.();
  }
}

function afterPatience(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), PATIENCE_MS).unref());
}

/** Long enough for what needs no more than promises. */
function soon(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(undefined))));
}
