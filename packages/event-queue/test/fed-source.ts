import { createLineage } from "@ringrift/envelope";
import { afterEach, vi } from "vitest";
import {
  type ConsumerWork,
  createConsumer,
  leaseEvent,
  type LeaseOperations,
  type LeaseSource,
} from "../src/backend.ts";
import type { Consumer, ConsumerOptions, LeasedEvent } from "../src/index.ts";

/** A source that a test feeds, and that fails when told to. */
export class Source implements LeaseSource {
  readonly group = "mailer";
  readonly claimsCommit = false;
  leaseMs = 60_000;
  readonly maxAttempts = 3;
  readonly queue: LeasedEvent[] = [];
  readonly released: LeasedEvent[] = [];
  readonly limits: number[] = [];
  failures: unknown[] = [];
  #wake: (() => void) | undefined;

  feed(...events: LeasedEvent[]): void {
    this.queue.push(...events);
    this.#wake?.();
  }

  async receive(options: { limit: number; signal: AbortSignal }): Promise<LeasedEvent[]> {
    this.limits.push(options.limit);
    if (this.failures.length > 0) throw this.failures.shift();
    if (this.queue.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        options.signal.addEventListener("abort", () => resolve());
      });
    }
    options.signal.throwIfAborted();
    return this.queue.splice(0, options.limit);
  }

  async release(event: LeasedEvent): Promise<void> {
    this.released.push(event);
  }
}

let position = 0;
/** An event of an `attempt`, perhaps with a key. */
export function leased(
  operations: Partial<LeaseOperations> = {},
  attempt = 1,
  key?: string,
): LeasedEvent {
  position += 1;
  const event = {
    ...createLineage(),
    position,
    type: "ORDER_PLACED",
    payload: {},
    headers: {},
    storedAt: 0,
    attempt,
    redelivered: attempt > 1,
    ...(key !== undefined && { key }),
  };
  return leaseEvent(event, 0, {
    ack: async () => true,
    nack: async () => true,
    extend: async (ms) => ms,
    ...operations,
  });
}

const running: Consumer[] = [];

/** A consumer that is stopped when its test is over. */
export function consumer(
  source: LeaseSource,
  handlers: ConsumerWork["handlers"],
  options?: ConsumerOptions,
): Consumer {
  const made = createConsumer(source, { handlers }, options);
  running.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

export const eventually = (check: () => void): Promise<void> => vi.waitFor(check, 10_000);
