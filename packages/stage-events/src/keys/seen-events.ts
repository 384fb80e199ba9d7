import type { BusEvent } from "@ringrift/core-bus";
import { RecentMap } from "./recent-map.ts";

/** What is written down with the key that an event was about. */
export interface Witness {
  /** Events up to this moment may have been seen, though their ids are forgotten. */
  forgottenUntil: number;
}

/** As many as a coordinator remembers of a bus. */
const MOST = 10_000;

/**
 * Tells events that come again from new ones: by the ids of the newest ten thousand, and beyond these by
 * time, where the event itself says that it was delivered before.
 */
export class SeenEvents {
  readonly #seen = new RecentMap<{ readonly witness: Witness; readonly time: number }>(MOST);

  has({ id, time, redelivered }: BusEvent, witness: Witness | undefined): boolean {
    if (this.#seen.has(id)) return true;
    return redelivered === true && witness !== undefined && time <= witness.forgottenUntil;
  }

  add({ id, time }: BusEvent, witness: Witness): void {
    const forgotten = this.#seen.add(id, { witness, time });
    if (!forgotten) return;
    const { witness: about, time: until } = forgotten;
    about.forgottenUntil = Math.max(about.forgottenUntil, until);
  }

  clear(): void {
    this.#seen.clear();
  }
}
