import { runWithEvent, runWithEventSync } from "@ringrift/envelope";
import type { Delivery } from "./delivery.ts";
import { type Entry, SKIPPED } from "./entry.ts";
import type { PublishedEvent } from "./event.ts";
import { HandlerError } from "./handler-error.ts";
import type { InFlight } from "./in-flight.ts";
import { asPromise, type FailureReport } from "./report.ts";

/** How the handlers of one publish follow each other. */
export type DeliveryOrder = "serial" | "parallel";

export interface DispatcherParts {
  readonly order: DeliveryOrder;
  readonly report: FailureReport;
  readonly inFlight: InFlight;
}

/** Calls the handlers of an event: each of them whatever the others do, and only thenables awaited. */
export class Dispatcher {
  readonly #order: DeliveryOrder;
  readonly #report: FailureReport;
  readonly #inFlight: InFlight;
  /** Handlers that succeeded, since the bus began. */
  delivered = 0;
  failed = 0;

  constructor(parts: DispatcherParts) {
    this.#order = parts.order;
    this.#report = parts.report;
    this.#inFlight = parts.inFlight;
  }

  /** The first handler has started when this returns. `failuresThrown`: the publisher gets a rejection. */
  deliver(
    event: PublishedEvent,
    route: readonly Entry[],
    failuresThrown: boolean,
  ): Promise<Delivery> {
    // The asynchronous context is entered once, for all handlers.
    return runWithEvent(event, () => this.#deliver(event, route, failuresThrown));
  }

  async #deliver(
    event: PublishedEvent,
    route: readonly Entry[],
    failuresThrown: boolean,
  ): Promise<Delivery> {
    const errors: HandlerError[] = [];
    const late: Promise<void>[] = [];
    let delivered = 0;
    const settle = async (entry: Entry, result: Promise<unknown>): Promise<void> => {
      try {
        if ((await result) !== SKIPPED && !entry.tap) delivered += 1;
      } catch (cause) {
        errors.push(this.fail(entry, event, cause, failuresThrown));
      }
    };
    event.begin();
    this.#inFlight.begin();
    for (const entry of route) {
      try {
        const result = start(entry, event);
        if (result === SKIPPED) continue;
        if (result === undefined) delivered += entry.tap ? 0 : 1;
        else if (this.#order === "serial" && !entry.tap && !entry.catchUp) {
          await settle(entry, result);
        } else late.push(settle(entry, result));
      } catch (cause) {
        errors.push(this.fail(entry, event, cause, failuresThrown));
      }
    }
    for (const handler of late) await handler;
    event.finish();
    this.#inFlight.end();
    this.delivered += delivered;
    return { event, delivered, errors };
  }

  /** Calls all handlers now; returns how many. The promises of asynchronous ones are tracked. */
  deliverNow(event: PublishedEvent, route: readonly Entry[]): number {
    return runWithEventSync(event, () => {
      let called = 0;
      event.begin();
      for (const entry of route) {
        try {
          const result = start(entry, event);
          if (result === SKIPPED) continue;
          if (!entry.tap) called += 1;
          if (result === undefined) this.delivered += entry.tap ? 0 : 1;
          else {
            event.begin();
            this.#inFlight.track(this.#settleLater(entry, event, result));
          }
        } catch (cause) {
          if (!entry.tap) called += 1;
          this.fail(entry, event, cause);
        }
      }
      event.finish();
      return called;
    });
  }

  /** Counts a success outside of a publish. */
  succeed(): void {
    this.delivered += 1;
  }

  /** Counts and reports a failure. */
  fail(entry: Entry, event: PublishedEvent, cause: unknown, thrown = false): HandlerError {
    const error = new HandlerError(event, entry.subscription, cause);
    this.failed += 1;
    this.#report.take(error, thrown);
    return error;
  }

  async #settleLater(entry: Entry, event: PublishedEvent, result: Promise<unknown>): Promise<void> {
    try {
      if ((await result) !== SKIPPED && !entry.tap) this.delivered += 1;
    } catch (cause) {
      this.fail(entry, event, cause);
    }
    event.finish();
  }
}

/** Calls one handler: `SKIPPED`, `undefined` when it is done, or the promise of its end. */
function start(entry: Entry, event: PublishedEvent): Promise<unknown> | typeof SKIPPED | undefined {
  if (entry.catchUp && entry.active) return entry.catchUp.enqueue(event);
  const result = entry.take(event);
  return result === SKIPPED ? SKIPPED : asPromise(result);
}
