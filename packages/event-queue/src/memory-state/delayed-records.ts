import { runDetached } from "@ringrift/envelope";
import { LONGEST_TIMER_MS } from "../reading/bell.ts";
import type { EventRecord } from "../sending/stored-event.ts";

/** What was sent and isn't in the log yet. Its timer never keeps the process alive. */
export class DelayedRecords {
  readonly #now: () => number;
  readonly #onDue: () => void;
  #records: (EventRecord & { readonly dueAt: number })[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `onDue` is called when something may be due. */
  constructor(now: () => number, onDue: () => void) {
    this.#now = now;
    this.#onDue = onDue;
  }

  get records(): readonly EventRecord[] {
    return this.#records;
  }

  get size(): number {
    return this.#records.length;
  }

  add(record: EventRecord & { readonly dueAt: number }): void {
    const after = this.#records.findLastIndex(({ dueAt }) => dueAt <= record.dueAt);
    this.#records.splice(after + 1, 0, record);
    this.#arm();
  }

  /** Takes out what is due, in the order in which it falls due. */
  takeDue(): readonly EventRecord[] {
    const now = this.#now();
    if ((this.#records[0]?.dueAt ?? Number.POSITIVE_INFINITY) > now) return [];
    const due = this.#records.filter(({ dueAt }) => dueAt <= now);
    this.#records = this.#records.slice(due.length);
    this.#arm();
    return due;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const [first] = this.#records;
    if (first === undefined) return;
    const ms = Math.min(Math.max(first.dueAt - this.#now(), 1), LONGEST_TIMER_MS);
    this.#timer = runDetached(() =>
      setTimeout(() => {
        this.#onDue();
        this.#arm();
      }, ms).unref(),
    );
  }
}
