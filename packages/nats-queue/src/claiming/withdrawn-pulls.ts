import type { GroupEngine } from "../settling/group-engine.ts";
import type { Group } from "../groups/group.ts";
import type { RawMessage } from "../messages/raw-message.ts";

/** The server may have sent a message so long before it knew of a withdrawal, and so long may clocks be apart. */
const SLACK_MS = 50;

/**
 * Pulls that this member withdrew while they waited. What the server sends to one at that moment reaches nobody. It notices,
 * and gives the message again at once, but counts both: the second delivery is the first that anybody has.
 */
export class WithdrawnPulls {
  readonly #engine: GroupEngine;
  /** When the last one was withdrawn that had given nothing, on the monotone clock. */
  #at = Number.NEGATIVE_INFINITY;

  constructor(engine: GroupEngine) {
    this.#engine = engine;
  }

  note(): void {
    this.#at = performance.now();
  }

  /**
   * Whether nobody can have had the first delivery of a message of which nothing is noted: it was stored when a pull was
   * withdrawn, and is so young that no lease on it can have run out. A server that was killed a moment ago may give again
   * what somebody has.
   */
  lost({ delivery, time }: RawMessage, { usualLeaseMs }: Group): boolean {
    if (delivery !== 2) return false;
    const { clock, connection } = this.#engine;
    const now = performance.now();
    const ageMs = clock.now() - time;
    const isShaken = now < connection.reconnectedAt + usualLeaseMs;
    return !isShaken && ageMs < usualLeaseMs / 2 && now - ageMs > this.#at - SLACK_MS;
  }
}
