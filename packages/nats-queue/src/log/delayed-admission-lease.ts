import { randomUUID } from "node:crypto";
import type { Names } from "../server/names.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StateStore } from "../messages/state-store.ts";

/** So much later than due an event comes in at most, when the instance that takes events in has died. */
const LEASE_MS = 2_000;

/** The right of one instance to take delayed events into the log, for all of them: two would do everything twice. */
export class AdmissionLease {
  readonly #state: StateStore;
  readonly #names: Names;
  readonly #clock: ServerClock;
  readonly #holder = randomUUID();
  /** Until when it is held, on this process's own clock. */
  #heldUntil = Number.NEGATIVE_INFINITY;
  #revision = 0;

  constructor(state: StateStore, names: Names, clock: ServerClock) {
    this.#state = state;
    this.#names = names;
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return performance.now() < this.#heldUntil;
  }

  /** Takes or renews it; resolves to 0, or to how many ms somebody else has it yet. */
  async take(): Promise<number> {
    if (this.#heldUntil - performance.now() > LEASE_MS / 2) return 0;
    const asked = performance.now();
    const current = await this.#state.get(this.#names.admission);
    if (current !== undefined) {
      // The cast is safe: written below.
      const { holder, until } = JSON.parse(current.text) as { holder: string; until: number };
      const left = until - this.#clock.now();
      if (holder !== this.#holder && left > 0) return left;
    }
    const text = JSON.stringify({ holder: this.#holder, until: this.#clock.now() + LEASE_MS });
    const revision = await this.#state.swap(this.#names.admission, text, current?.revision ?? 0);
    if (revision === undefined) return LEASE_MS;
    this.#revision = revision;
    this.#heldUntil = asked + LEASE_MS;
    return 0;
  }

  /** Gives it up; `false` when it wasn't held. */
  async release(): Promise<boolean> {
    if (!this.isHeld) return false;
    this.#heldUntil = Number.NEGATIVE_INFINITY;
    return this.#state.remove(this.#revision);
  }
}
