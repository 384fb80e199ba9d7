import type { EventQueue } from "./contract.ts";
import type { StoredEvent } from "./events.ts";

const PAGE = 1_000;

/**
 * How far one log is in another, by ids and in the same order; what else the other one has is passed over. Goes on
 * where it was, so that what was compared once is not read again.
 */
export class LogComparison {
  /** Events found in both. */
  verified = 0;
  /** Position in the first log of the last of them. */
  after = 0;
  /** Position in the other log of the last of them. */
  toAfter = 0;
  readonly #from: EventQueue;
  readonly #to: EventQueue;
  /** Where pages began, in both logs: from there an event is found again. */
  readonly #marks: { readonly from: number; readonly to: number }[] = [];

  constructor(from: EventQueue, to: EventQueue) {
    this.#from = from;
    this.#to = to;
  }

  /** Goes on to the end of the first log; resolves to the first event that isn't in the other one. */
  async advance(): Promise<StoredEvent | undefined> {
    for (;;) {
      this.#marks.push({ from: this.after, to: this.toAfter });
      const page = await this.#from.history({ after: this.after, limit: PAGE });
      const copies = walk(this.#to, this.toAfter);
      for (const event of page) {
        const position = await find(copies, event.id);
        if (position === undefined) return event;
        this.verified += 1;
        this.after = event.position;
        this.toAfter = position;
      }
      if (page.length < PAGE) return undefined;
    }
  }

  /** Where an event of the first log, which was compared already, is in the other one. */
  async positionOf(event: StoredEvent): Promise<number | undefined> {
    const mark = this.#marks.findLast(({ from }) => from < event.position);
    return find(walk(this.#to, mark?.to ?? 0), event.id);
  }
}

async function find(
  log: AsyncGenerator<StoredEvent, void>,
  id: string,
): Promise<number | undefined> {
  for (;;) {
    const { value, done } = await log.next();
    if (done === true) return undefined;
    if (value.id === id) return value.position;
  }
}

async function* walk(queue: EventQueue, from: number): AsyncGenerator<StoredEvent, void> {
  let after = from;
  for (;;) {
    const page = await queue.history({ after, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.position;
  }
}
