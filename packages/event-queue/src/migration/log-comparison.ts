import type { QueueMigration } from "./queue-migration.ts";
import type { StoredEvent } from "../contract/events.ts";
import { type LogMark, LogPairs } from "./log-pairs.ts";

/** So many events lie between two marks. */
const MARK_EVERY = 500;

/**
 * How far one log is in another, by ids and in the same order; what else the other one has is passed over. Goes on
 * where it was, so that what was compared once is not read again.
 */
export class LogComparison {
  /** Events found in both. */
  verified = 0;
  readonly #from: QueueMigration;
  readonly #to: QueueMigration;
  readonly #pairs: LogPairs;
  /** From these an event is found again. */
  readonly #marks: LogMark[] = [{ from: 0, to: 0 }];
  /** Those that are elsewhere in the other log: they were delayed, and fell due there earlier or later. */
  readonly #strays: LogMark[] = [];

  constructor(from: QueueMigration, to: QueueMigration) {
    this.#from = from;
    this.#to = to;
    this.#pairs = new LogPairs(from, to);
  }

  /** The last event of the first log that was found, and the last one in the other log that was found in order. */
  get end(): LogMark {
    return this.#pairs.mark;
  }

  /** Goes on to the end of the first log; resolves to the first event that isn't in the other one. */
  async advance(): Promise<StoredEvent | undefined> {
    for (;;) {
      const pair = await this.#pairs.next();
      if (pair === undefined) return undefined;
      const { event, spot, isInOrder } = pair;
      if (spot === undefined) return event;
      this.verified += 1;
      if (!isInOrder && spot !== "delayed") this.#strays.push({ from: event.position, to: spot });
      if (this.verified % MARK_EVERY === 0) this.#marks.push(this.#pairs.mark);
    }
  }

  /** An event that the first log hasn't got yet, and the other one has: all groups have still to settle it. */
  noteEarly(position: number): void {
    this.#strays.push({ from: Number.POSITIVE_INFINITY, to: position });
  }

  /**
   * Position in the other log above which everything is that lies at this position of the first log, or behind it.
   *
   * @param oldest - `undefined` for what lies behind all that is there
   * @param end - what lies behind it in the first log lies behind it in the other one, but for what is elsewhere
   */
  async startOf(oldest: number | undefined, end: LogMark): Promise<number> {
    const position = oldest ?? Number.POSITIVE_INFINITY;
    let start = end.to;
    if (position <= end.from) {
      for await (const { from, to } of this.#inOrder(position)) {
        if (from < position) continue;
        start = to - 1;
        break;
      }
    }
    const strays = this.#strays.flatMap(({ from, to }) => (from < position ? [] : to - 1));
    return Math.min(start, ...strays);
  }

  /** The highest position in the other log of what was compared up to this position of the first log. */
  async reachOf(position: number): Promise<number> {
    let reach = 0;
    for await (const { from, to } of this.#inOrder(position)) {
      if (from > position) break;
      reach = to;
    }
    const strays = this.#strays.flatMap(({ from, to }) => (from > position ? [] : to));
    return Math.max(reach, ...strays);
  }

  /** Those in order around a position of the first log, from a bit before it. */
  async *#inOrder(position: number): AsyncGenerator<LogMark, void> {
    const mark = this.#marks.findLast(({ from }) => from < position) ?? { from: 0, to: 0 };
    yield mark;
    const pairs = new LogPairs(this.#from, this.#to, mark);
    for (;;) {
      const pair = await pairs.next();
      if (pair?.spot === undefined || pair.event.position > this.end.from) return;
      if (pair.isInOrder) yield pairs.mark;
    }
  }
}
