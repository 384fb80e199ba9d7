import { openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What a process says of itself, as it happens. */
export type Statement =
  /** It has begun, and hears signals. */
  | { readonly kind: "ready" }
  /** A publisher is about to send its `n`th event. */
  | { readonly kind: "attempt"; readonly n: number; readonly key: string }
  /** The queue acknowledged it. */
  | { readonly kind: "sent"; readonly n: number; readonly id: string; readonly position: number }
  /** The queue refused it, or something else that was asked. */
  | { readonly kind: "refused"; readonly n?: number; readonly code: string }
  /** A consumer begins with an event that `from` sent as its `n`th. */
  | {
      readonly kind: "begin";
      readonly id: string;
      readonly from: string;
      readonly n: number;
      readonly key: string;
      readonly position: number;
      readonly attempt: number;
    }
  /** It is about to ack it: whether that was done, a process that is killed now can't say any more. */
  | { readonly kind: "acking"; readonly id: string }
  /**
   * Its ack was answered: `held` says whether the lease was still its own. `asked` is when it was sent,
   * by the clock of `at`: others may have gone on before the answer was written down.
   */
  | {
      readonly kind: "settled";
      readonly id: string;
      readonly held: boolean;
      readonly asked: number;
    };

/** A statement, by whom, and when: microseconds of the machine's monotonic clock, the same for all processes. */
export type Entry = Statement & { readonly by: string; readonly at: number };

/** Now, in microseconds of the monotonic clock that all processes of a machine share. */
export function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** One process's journal. What was written stays, also after `kill -9`. */
export class Journal<Said extends object = Statement> {
  readonly #by: string;
  readonly #file: number;

  constructor(folder: string, by: string) {
    this.#by = by;
    this.#file = openSync(join(folder, `${by}.jsonl`), "a");
  }

  write(statement: Said): void {
    const entry = { ...statement, by: this.#by, at: monotonicMicros() };
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

/** What all processes have said, by time. */
export function readJournals<Said extends { readonly at: number } = Entry>(folder: string): Said[] {
  return (
    readdirSync(folder)
      .filter((name) => name.endsWith(".jsonl"))
      // What follows the last line break is being written.
      .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").slice(0, -1))
      .map((line) => JSON.parse(line) as Said)
      .toSorted((one, other) => one.at - other.at)
  );
}
