import type { ChildIds } from "../sending/child-ids.ts";
import type { DeliveryContext, EventHandler } from "../contract/consumer.ts";
import { runDelivery } from "../sending/delivery-scope.ts";
import { QueueError } from "../failures/errors.ts";
import type { LeasedEvent } from "../contract/events.ts";
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

interface GivenUp {
  readonly reason: QueueError;
  readonly outcome: DeliveryOutcome;
}

const HANDLED: DeliveryOutcome = { kind: "handled" };

/** One event in one handler. */
export class Delivery implements DeliveryContext, Rostered {
  readonly event: LeasedEvent;
  place = -1;
  readonly #options: DeliveryOptions;
  #controller: AbortController | undefined;
  /** Resolves when what is awaited is over, or given up. */
  #over: PromiseWithResolvers<DeliveryOutcome> | undefined;
  /** How it was given up. */
  #given: GivenUp | undefined;
  /** What is awaited after the handler. */
  #rest: Promise<unknown> | undefined;
  #onSettled: ((isAcked: boolean) => void) | undefined;
  /** Until when the handler prolonged the lease itself, on the monotone clock. */
  #extendedUntil = 0;

  /** The delivery behind a handler's context; `undefined` for another queue's. */
  static of(context: object): Delivery | undefined {
    return #options in context ? context : undefined;
  }

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
      if (this.#given !== undefined) this.#controller.abort(this.#given.reason);
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

  /** Aborts the handler's signal and stops waiting for it. `false` when that was done before. */
  abandon(reason: QueueError): boolean {
    return this.#giveUp({ reason, outcome: { kind: "abandoned", reason } });
  }

  /** See {@link settleAfter}. */
  awaitAfterwards(rest: Promise<unknown>): void {
    this.#rest = rest;
    // Looked at when the handler has returned, which may be later.
    rest.catch(() => {});
  }

  /** Calls `listener` when it has been settled, or given up. */
  tell(listener: (isAcked: boolean) => void): void {
    this.#onSettled = listener;
  }

  settled(isAcked: boolean): void {
    this.#onSettled?.(isAcked);
  }

  /** What a handled delivery comes to when what is awaited after the handler is over; `undefined` if nothing is. */
  outcomeAfter({ kind }: DeliveryOutcome): Promise<DeliveryOutcome> | undefined {
    if (kind !== "handled" || this.#rest === undefined) return undefined;
    return this.#first(this.#rest);
  }

  /** Runs the handler to its end, or until it is given up. Never rejects. */
  async run(handler: EventHandler | undefined): Promise<DeliveryOutcome> {
    const { group, childIds, handlerTimeoutMs } = this.#options;
    if (handler === undefined) return { kind: "failed", error: handlerMissing(this.event, group) };
    const timer =
      handlerTimeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const error = handlerTimeout(this.event, handlerTimeoutMs);
            this.#giveUp({ reason: error, outcome: { kind: "failed", error } });
          }, handlerTimeoutMs).unref();
    // When the handler is given up, its late result, or failure, is nobody's.
    const handled = runDelivery({ scope: group, parent: this.event, childIds }, () =>
      handler(this.event, this),
    );
    const outcome = await this.#first(handled);
    clearTimeout(timer);
    return outcome;
  }

  /** How the work ends, or that it is given up, whichever comes first. A race of two promises costs several times as much. */
  #first(work: Promise<unknown>): Promise<DeliveryOutcome> {
    const { promise, resolve } = (this.#over = Promise.withResolvers<DeliveryOutcome>());
    if (this.#given !== undefined) resolve(this.#given.outcome);
    work.then(
      () => resolve(HANDLED),
      (error: unknown) => resolve({ kind: "failed", error }),
    );
    return promise;
  }

  #giveUp(given: GivenUp): boolean {
    if (this.#given !== undefined) return false;
    this.#given = given;
    this.#controller?.abort(given.reason);
    this.#over?.resolve(given.outcome);
    return true;
  }
}

/**
 * For bridges: settles a delivery when `rest` does, acked when it resolves and failed when it rejects, and not when its
 * handler returns. That frees its place in the consumer: as many as wait in this way may be leased besides. Their leases
 * are renewed, and a stop waits for them. `false` for a delivery of a queue with consumers of its own kind: then await
 * `rest` in the handler.
 */
export function settleAfter(context: DeliveryContext, rest: Promise<unknown>): boolean {
  const delivery = Delivery.of(context);
  delivery?.awaitAfterwards(rest);
  return delivery !== undefined;
}

/**
 * For bridges: calls `listener` when a delivery has been settled, or given up: with whether its ack was taken. `false` where
 * nobody will call it (see {@link settleAfter}). One a delivery.
 */
export function whenSettled(
  context: DeliveryContext,
  listener: (isAcked: boolean) => void,
): boolean {
  const delivery = Delivery.of(context);
  delivery?.tell(listener);
  return delivery !== undefined;
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
