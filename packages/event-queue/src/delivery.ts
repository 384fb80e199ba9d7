import type { ChildIds } from "./child-ids.ts";
import type { DeliveryContext, EventHandler } from "./consumer.ts";
import { runDelivery } from "./delivery-scope.ts";
import { QueueError } from "./errors.ts";
import type { LeasedEvent } from "./events.ts";
import type { Rostered } from "./roster.ts";

/**
 * How a delivery ended. `abandoned`: nobody waits for its handler any more, and it must be neither acked
 * (it may have given up halfway) nor nacked (the lease is another member's, or runs out).
 */
export type DeliveryOutcome =
  | { readonly kind: "handled" }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "abandoned"; readonly reason: QueueError };

/** What a handler sends couldn't be stored: no fault of its event, which gets the attempt back. */
export function isForWantOfSpace(
  outcome: DeliveryOutcome,
): outcome is Extract<DeliveryOutcome, { kind: "failed" }> {
  if (outcome.kind !== "failed" || !(outcome.error instanceof QueueError)) return false;
  return outcome.error.code === "QUEUE_FULL";
}

/** What a delivery needs to know. */
export interface DeliveryOptions {
  readonly group: string;
  /** `undefined`: what the handler publishes is new at each attempt. */
  readonly childIds: ChildIds | undefined;
  readonly handlerTimeoutMs: number | undefined;
}

/** One event in one handler. */
export class Delivery implements DeliveryContext, Rostered {
  readonly event: LeasedEvent;
  place = -1;
  readonly #options: DeliveryOptions;
  #controller: AbortController | undefined;
  #end: ((outcome: DeliveryOutcome) => void) | undefined;
  #aborted: QueueError | undefined;
  /** Until when the handler prolonged the lease itself, on the monotone clock. */
  #extendedUntil = 0;

  constructor(event: LeasedEvent, options: DeliveryOptions) {
    this.event = event;
    this.#options = options;
  }

  get attempt(): number {
    return this.event.attempt;
  }

  /** Made when somebody asks for it: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  async extend(ms: number): Promise<boolean> {
    const held = await this.event.extend(ms);
    if (held) this.#extendedUntil = performance.now() + ms;
    else this.abandon(leaseLost(this.event));
    return held;
  }

  /** Prolongs the lease unless the handler has prolonged it further. `false` when it was lost. */
  async renew(leaseMs: number): Promise<boolean> {
    if (this.#extendedUntil > performance.now() + leaseMs) return true;
    return this.event.extend(leaseMs);
  }

  /** Aborts the handler's signal and stops waiting for it. */
  abandon(reason: QueueError): void {
    this.#abort(reason, { kind: "abandoned", reason });
  }

  /** Runs the handler to its end, or until it is given up. Never rejects. */
  async run(handler: EventHandler | undefined): Promise<DeliveryOutcome> {
    const { group, childIds, handlerTimeoutMs } = this.#options;
    if (handler === undefined) return { kind: "failed", error: handlerMissing(this.event, group) };
    const { promise: given, resolve } = Promise.withResolvers<DeliveryOutcome>();
    this.#end = resolve;
    const timer =
      handlerTimeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const error = handlerTimeout(this.event, handlerTimeoutMs);
            this.#abort(error, { kind: "failed", error });
          }, handlerTimeoutMs).unref();
    // When the handler is given up, its late result, or failure, is nobody's.
    const handled = runDelivery({ scope: group, parent: this.event, childIds }, () =>
      handler(this.event, this),
    ).then(
      (): DeliveryOutcome => ({ kind: "handled" }),
      (error: unknown): DeliveryOutcome => ({ kind: "failed", error }),
    );
    const outcome = await Promise.race([handled, given]);
    clearTimeout(timer);
    return outcome;
  }

  #abort(reason: QueueError, outcome: DeliveryOutcome): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = reason;
    this.#controller?.abort(reason);
    this.#end?.(outcome);
  }
}

function handlerMissing(event: LeasedEvent, group: string): QueueError {
  return new QueueError(
    "HANDLER_MISSING",
    `Group "${group}" got an event of type "${event.type}" and this member has no handler for it. Add one, or give the group "eventTypes".`,
  );
}

function handlerTimeout(event: LeasedEvent, ms: number): QueueError {
  return new QueueError(
    "HANDLER_TIMEOUT",
    `The handler of "${event.type}" ran longer than ${ms} ms. Make it faster, have it watch context.signal, or raise handlerTimeoutMs.`,
  );
}

/** The lease ran out, and another member has the event. */
export function leaseLost({ id }: { readonly id: string }): QueueError {
  return new QueueError(
    "LEASE_LOST",
    `The lease on event "${id}" was lost while its handler ran: the process was blocked or paused for longer than the lease. The event is delivered again; raise leaseMs if this happens often.`,
  );
}
