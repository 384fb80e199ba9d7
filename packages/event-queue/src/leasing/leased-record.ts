import type { LeasedEvent, NackOptions, StoredEvent } from "../contract/events.ts";
import { checkMs, checkOptionNames } from "../checking/check-options.ts";

/** What a backend does for a lease it gave; each resolves to `false` when the lease was lost. */
export interface LeaseOperations {
  ack(): Promise<boolean>;
  nack(options: NackOptions): Promise<boolean>;
  /** Moves the end of the lease; resolves to the new end, or `false`. */
  extend(ms: number): Promise<number | false>;
  /**
   * For how much longer the lease holds, by the clock that it goes by; 0 or less when it has run out. Without it, a
   * lease is taken to hold for its length from when it was given, or renewed.
   */
  leftMs?(): number;
}

const NACK_NAMES: ReadonlySet<string> = new Set<keyof NackOptions>(["delayMs", "reason"]);

/**
 * Puts a lease on an event, with what every backend owes its callers: `ack` and `nack` are idempotent,
 * whichever came first decides, and a failed try (a busy file) may be repeated. The event's fields are own
 * and enumerable, the lease's methods are not: a leased event can be copied, logged and posted.
 */
export function leaseEvent(
  event: StoredEvent,
  leaseUntil: number,
  operations: LeaseOperations,
): LeasedEvent {
  const leased = new LeasedRecord(leaseUntil, operations);
  return Object.assign(leased, event);
}

/**
 * What an event was leased with; `undefined` for any other object, copies of leased events included. A WeakMap would
 * do as well, but the collections of the young generation take what an old one leads to for live: then memory grows
 * with every event until the next full one.
 */
export function leaseOperationsOf(event: object): LeaseOperations | undefined {
  return LeasedRecord.operationsOf(event);
}

class LeasedRecord {
  static operationsOf(event: object): LeaseOperations | undefined {
    return #operations in event ? event.#operations : undefined;
  }

  #leaseUntil: number;
  readonly #operations: LeaseOperations;
  #settled: { readonly how: "ack" | "nack"; readonly result: Promise<boolean> } | undefined;

  constructor(leaseUntil: number, operations: LeaseOperations) {
    this.#leaseUntil = leaseUntil;
    this.#operations = operations;
  }

  get leaseUntil(): number {
    return this.#leaseUntil;
  }

  ack(): Promise<boolean> {
    return this.#settle("ack", () => this.#operations.ack());
  }

  async nack(options: NackOptions = {}): Promise<boolean> {
    checkOptionNames("nack", options, NACK_NAMES);
    if (options.delayMs !== undefined) checkMs("delayMs", options.delayMs);
    return this.#settle("nack", () => this.#operations.nack(options));
  }

  async extend(ms: number): Promise<boolean> {
    checkMs("ms", ms, 1);
    if (this.#settled !== undefined) return false;
    const until = await this.#operations.extend(ms);
    if (until === false) return false;
    this.#leaseUntil = until;
    return true;
  }

  async #settle(how: "ack" | "nack", operation: () => Promise<boolean>): Promise<boolean> {
    if (this.#settled !== undefined) {
      return this.#settled.how === how ? this.#settled.result : false;
    }
    const settled = { how, result: operation() };
    this.#settled = settled;
    try {
      return await settled.result;
    } catch (error) {
      if (this.#settled === settled) this.#settled = undefined;
      throw error;
    }
  }
}
