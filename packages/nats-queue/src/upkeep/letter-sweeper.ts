import type { Connection } from "../connection/connection.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { Names } from "../server/names.ts";
import type { CheckedOptions } from "../server/options.ts";
import type { DeadLetterStore, FoundNote } from "../settling/dead-letter-store.ts";

/** Letters that are removed in one sweep, at most. */
const MOST_LETTERS = 500;

/** What it works with. */
export interface LetterSweeperParts {
  readonly connection: Connection;
  readonly names: Names;
  readonly clock: ServerClock;
  readonly letters: DeadLetterStore;
}

/** Removes dead letters that are too old, or the oldest of too many. What is redriven stays until it is settled. */
export class LetterSweeper {
  readonly #parts: LetterSweeperParts;
  readonly #bounds: CheckedOptions["deadLetters"];

  constructor(parts: LetterSweeperParts, bounds: CheckedOptions["deadLetters"]) {
    this.#parts = parts;
    this.#bounds = bounds;
  }

  /** Resolves to how many were removed. */
  async sweep(): Promise<number> {
    const { letters, clock } = this.#parts;
    const oldest = clock.now() - this.#bounds.ms;
    const first = await letters.find({ limit: 1 });
    const surplus = await this.#surplus();
    if (surplus === 0 && !first.some(({ note }) => note.time < oldest)) return 0;
    const found = await letters.find({ limit: MOST_LETTERS });
    const isDue = ({ note }: FoundNote, index: number): boolean =>
      index < surplus || note.time < oldest;
    const due = found.filter(isDue);
    for (const one of due) await letters.discard(one);
    return due.length;
  }

  /** How many are too many: letters are of a size, more or less, and what is left over goes with the next sweep. */
  async #surplus(): Promise<number> {
    const { bytes } = this.#bounds;
    if (bytes === undefined) return 0;
    const { connection, names, letters } = this.#parts;
    const { state } = await connection.persist("sweeping", () =>
      connection.jsm.streams.info(names.deadStream),
    );
    if (state.bytes <= bytes) return 0;
    const share = (state.bytes - bytes) / state.bytes;
    return Math.ceil((await letters.count()) * share);
  }
}
