import { runDetached } from "@ringrift/envelope";
import type { ClaimedEvent } from "@ringrift/event-queue/backend";
import type { Leasing } from "./delivered.ts";
import type { GroupEngine } from "../settling/group-engine.ts";

const MOST_SPARE_MS = 500;

/** How long a member keeps what nobody has asked for: others may wait for it. */
export function spareMs(leaseMs: number): number {
  return Math.min(leaseMs / 4, MOST_SPARE_MS);
}

/**
 * Leased events that nobody has asked for yet: they came with others that wait for their turn, of which many are pulled at
 * once. The next claim gets them, or they are given back after a while.
 */
export class SpareEvents {
  readonly #engine: GroupEngine;
  readonly #onMore: () => void;
  #events: readonly ClaimedEvent[] = [];
  #incarnation = "";
  #timer: NodeJS.Timeout | undefined;

  /** `onMore` is called when there is something. */
  constructor(engine: GroupEngine, onMore: () => void) {
    this.#engine = engine;
    this.#onMore = onMore;
  }

  /** Keeps what is more than `limit`; the others are for whoever asks now. */
  split({ group, leaseMs }: Leasing, claimed: ClaimedEvent[], limit: number): ClaimedEvent[] {
    const more = claimed.slice(limit);
    if (more.length === 0) return claimed;
    this.#incarnation = group.incarnation;
    this.#events = [...this.#events, ...more];
    this.#engine.holders.add(this);
    this.#timer ??= runDetached(() => {
      const giveUp = (): void => this.#engine.later(() => this.giveUp());
      return setTimeout(giveUp, spareMs(leaseMs)).unref();
    });
    this.#onMore();
    return claimed.slice(0, limit);
  }

  take({ group }: Pick<Leasing, "group">, limit: number): ClaimedEvent[] {
    if (group.incarnation !== this.#incarnation) this.#end();
    const taken = this.#events.slice(0, limit);
    this.#events = this.#events.slice(limit);
    if (this.#events.length === 0) this.#end();
    return taken;
  }

  async giveUp(): Promise<void> {
    const events = this.#events;
    this.#end();
    await Promise.allSettled(events.map(({ lease }) => lease.release()));
  }

  #end(): void {
    this.#events = [];
    this.#engine.holders.delete(this);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
