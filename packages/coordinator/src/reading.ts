import type { BusMark } from "./bus-marks.ts";
import { fillHistory } from "./history.ts";
import { Inbound, type InboundOptions } from "./inbound.ts";
import { Membership } from "./membership.ts";
import type { CatchUpOptions } from "./options.ts";
import type { AnyQueue } from "./wire.ts";

export interface ReadingOptions extends Omit<InboundOptions, "group"> {
  readonly queue: AnyQueue;
  readonly catchUp: CatchUpOptions | undefined;
}

/** A node's reading of the queue, from one start to its stop: its place among the readers, and what it reads. */
export class Reading {
  readonly #membership: Membership;
  readonly #inbound: Inbound;

  readonly #maxAttempts: number;

  private constructor(membership: Membership, inbound: Inbound, maxAttempts: number) {
    this.#membership = membership;
    this.#inbound = inbound;
    this.#maxAttempts = maxAttempts;
  }

  /**
   * Claims the name, fixes where it reads, and fills the history; reads nothing yet.
   *
   * @throws CoordinatorError `NODE_NAME_TAKEN`
   */
  static async open(options: ReadingOptions): Promise<Reading> {
    const { bus, queue, catalogue, node, catchUp, onError } = options;
    const since = catchUp?.since;
    const membership = new Membership({
      queue,
      node,
      from: since === undefined ? "now" : { time: since },
      onError,
      // Two nodes of one name would take each other's events.
      onLost: () => void inbound.stop(),
    });
    const inbound = new Inbound({ ...options, group: membership.group });
    const { cursor, maxAttempts } = await membership.join();
    try {
      if (catchUp?.history) {
        await fillHistory(bus, queue, catalogue, { since, cursor, onUnreadable: onError });
      }
    } catch (error) {
      await membership.leave();
      throw error;
    }
    return new Reading(membership, inbound, maxAttempts);
  }

  start(): void {
    // Somebody else may have taken the name while the history was read.
    const { lost, marks } = this.#membership;
    if (!lost) this.#inbound.start(this.#maxAttempts, marks);
  }

  /** See {@link Inbound.stop}. */
  stop(timeoutMs?: number): Promise<number> {
    return this.#inbound.stop(timeoutMs);
  }

  /** Gives the name back. `mark`: what the next start has to know, if the name is to keep it. */
  leave(mark?: BusMark): Promise<void> {
    return this.#membership.leave(mark);
  }

  /** See {@link Inbound.unsettled}. */
  unsettled(): Iterable<string> {
    return this.#inbound.unsettled();
  }

  /** What keeps it from reading, one sentence each. */
  problems(): string[] {
    const { lost, group } = this.#membership;
    if (lost) return [`Another process has the name "${group.name}" now. Restart this node.`];
    const { failure } = this.#inbound;
    if (failure === undefined) return [];
    return [`This node reads no more events from the queue: ${failure.message} Restart it.`];
  }
}
