import type { HealthProblem } from "@ringrift/event-queue";
import type { BusMark } from "../carrying/bus-marks.ts";
import { fillHistory } from "./fill-history.ts";
import { Inbound, type InboundOptions } from "./inbound.ts";
import { Membership } from "./membership.ts";
import type { CatchUpOptions } from "../options/options.ts";
import type { AnyQueue } from "../carrying/wire.ts";

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
    const { queue, node, catchUp, onError } = options;
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
        await fillHistory(options, { since, cursor, onUnreadable: onError });
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

  /** What keeps it from reading. */
  problems(): HealthProblem[] {
    const { lost, group } = this.#membership;
    const { failure } = this.#inbound;
    if (!lost && failure === undefined) return [];
    const why = lost
      ? `another process has the name "${group.name}" now.`
      : (failure?.message ?? "");
    return [
      {
        code: "INCOMING_BLOCKED",
        severity: "error",
        subject: group.name,
        message: `This node reads no more events from the queue: ${why}`,
        action: "Restart this node.",
      },
    ];
  }
}
