import { Claimer } from "./claimer.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import type { Group } from "../groups/group.ts";

/** So many are kept, and of more those that have something. */
const MOST = 256;

/**
 * The claimers of a process, one for each group: whichever of its handles asks for events gets those whose turn has come,
 * whoever settled the ones before.
 */
export class Claimers {
  readonly #engine: GroupEngine;
  /** By incarnation, those first that were used longest ago. */
  readonly #claimers = new Map<string, Claimer>();
  /** The incarnation of a group that was used last, by the group's name. */
  readonly #last = new Map<string, string>();

  constructor(engine: GroupEngine) {
    this.#engine = engine;
  }

  of(group: Group): Claimer {
    const { name, incarnation } = group;
    const last = this.#last.get(name);
    // Its cursor was set: what the earlier one has is nobody's any more.
    if (last !== incarnation) this.#claimers.get(last ?? "")?.keys.enter(group);
    this.#last.set(name, incarnation);
    const claimer = this.#claimers.get(incarnation) ?? new Claimer(this.#engine);
    this.#claimers.delete(incarnation);
    this.#claimers.set(incarnation, claimer);
    if (this.#claimers.size > MOST) this.#forgetIdle();
    return claimer;
  }

  /** Before this process lets go of all: notes until when what it has is held, for whoever counts. */
  async noteHeld(): Promise<void> {
    await Promise.allSettled([...this.#claimers.values()].map((claimer) => claimer.noteHeld()));
  }

  #forgetIdle(): void {
    for (const [name, incarnation] of this.#last) {
      if (!this.#claimers.has(incarnation)) this.#last.delete(name);
    }
    for (const [incarnation, claimer] of this.#claimers) {
      if (this.#claimers.size <= MOST) return;
      if (claimer.isIdle) this.#claimers.delete(incarnation);
    }
  }
}
