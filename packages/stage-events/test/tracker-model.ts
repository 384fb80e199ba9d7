/**
 * What a tracker has to know, said a second time and as plainly as possible: for a pipeline of three phases
 * in a row without iteration numbers, whose last one ends it, whatever comes of it.
 */

/** One event of the log. */
export interface Report {
  readonly id: number;
  readonly key: string;
  readonly phase: 0 | 1 | 2;
  readonly ok: boolean;
}

interface KeyModel {
  phase: number;
  failed: boolean;
  done: boolean;
  /** Whether everything since its beginning was heard. */
  certain: boolean;
  /** The newest event that was heard, and the newest that did not come from the history. */
  until: number;
}

/** How an event comes to the tracker. */
export type Way = "history" | "live" | "redelivered";

export class TrackerModel {
  readonly keys = new Map<string, KeyModel>();
  readonly reasons: string[] = [];
  readonly dropped = { done: 0, running: 0 };
  transitions = 0;
  duplicates = 0;
  readonly #maxKeys: number;
  readonly #seen = new Set<number>();
  readonly #left = new Set<string>();
  /** All keys, by their last move. */
  #moves: string[] = [];
  /** Whether the history began in the middle of the log. */
  cutOff = false;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  take(report: Report, way: Way): void {
    const { id, key, phase, ok } = report;
    if (this.#seen.has(id)) {
      this.duplicates += 1;
      return;
    }
    this.#seen.add(id);
    const state = this.keys.get(key) ?? this.#begin(key, way);
    const isOld = way === "redelivered" && id < state.until;
    state.until = Math.max(state.until, id);
    if (state.done || (isOld && (phase < state.phase || !ok))) {
      this.reasons.push("late");
      return;
    }
    if (phase !== state.phase) {
      if (!state.certain) this.reasons.push("unknown");
      else if (phase > state.phase) this.reasons.push("skipped");
      else if (!state.failed) this.reasons.push("repeated");
    }
    this.transitions += 1;
    this.#moves = [...this.#moves.filter((other) => other !== key), key];
    state.certain = true;
    state.failed = !ok;
    state.done = phase === 2;
    state.phase = ok && phase < 2 ? phase + 1 : phase;
  }

  forget(key: string): void {
    if (!this.keys.delete(key)) return;
    this.#left.add(key);
    this.#moves = this.#moves.filter((other) => other !== key);
  }

  #begin(key: string, way: Way): KeyModel {
    if (this.keys.size === this.#maxKeys) {
      const done = this.#moves.find((other) => this.keys.get(other)?.done);
      this.dropped[done === undefined ? "running" : "done"] += 1;
      this.forget(done ?? this.#moves[0]!);
    }
    const certain = way === "live" && !this.cutOff && !this.#left.has(key);
    const state = { phase: 0, failed: false, done: false, certain, until: -1 };
    this.keys.set(key, state);
    return state;
  }
}
