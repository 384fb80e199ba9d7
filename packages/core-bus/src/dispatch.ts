import { enterEventSync, leaveEventSync, runWithEvent } from "@ringrift/envelope";
import { handling } from "#diagnostics";
import type { Delivery } from "./delivery.ts";
import { type Entry, SKIPPED } from "./entry.ts";
import { EventBusError } from "./errors.ts";
import type { PublishedEvent } from "./event.ts";
import { HandlerError } from "./handler-error.ts";
import type { InFlight } from "./in-flight.ts";
import { asPromise, type FailureReport } from "./report.ts";
import { RunningDelivery } from "./running-delivery.ts";
import { startTimer } from "./timer.ts";
import { traceHandler } from "./tracing.ts";

/** How the handlers of one publish follow each other. */
export type DeliveryOrder = "serial" | "parallel";

export interface DispatcherParts {
  readonly order: DeliveryOrder;
  readonly handlerTimeoutMs: number | undefined;
  readonly report: FailureReport;
  readonly inFlight: InFlight;
}

/** Calls the handlers of an event: each of them whatever the others do, and only thenables awaited. */
export class Dispatcher {
  readonly serial: boolean;
  readonly #timeoutMs: number | undefined;
  readonly #report: FailureReport;
  readonly inFlight: InFlight;
  /** Handlers that succeeded, since the bus began. */
  delivered = 0;
  failed = 0;

  constructor(parts: DispatcherParts) {
    this.serial = parts.order === "serial";
    this.#timeoutMs = parts.handlerTimeoutMs;
    this.#report = parts.report;
    this.inFlight = parts.inFlight;
  }

  /** The first handler has started when this returns. `failuresThrown`: the publisher gets a rejection. */
  deliver(
    event: PublishedEvent,
    route: readonly Entry[],
    failuresThrown: boolean,
  ): Promise<Delivery> {
    const delivery = new RunningDelivery(this, event, route, failuresThrown);
    // The asynchronous context is entered once, for all handlers.
    return runWithEvent(event, () => delivery.run());
  }

  /** Calls all handlers now; returns how many. The promises of asynchronous ones are tracked. */
  deliverNow(event: PublishedEvent, route: readonly Entry[]): number {
    let called = 0;
    let delivered = 0;
    const traced = handling.hasSubscribers;
    const outer = enterEventSync(event);
    event.begin();
    for (let index = 0; index < route.length; index += 1) {
      const entry = route[index]!;
      const direct = traced ? undefined : entry.direct;
      try {
        let result: unknown;
        if (direct !== undefined) {
          called += 1;
          result = direct(event);
          if (isPlain(result)) delivered += 1;
          else delivered += this.#follow(entry, event, this.settled(entry, event, result));
        } else {
          result = this.start(entry, event);
          if (result === SKIPPED) continue;
          if (!entry.tap) called += 1;
          delivered += this.#follow(entry, event, result as Promise<unknown> | undefined);
        }
      } catch (cause) {
        if (direct === undefined && !entry.tap) called += 1;
        this.fail(entry, event, cause);
      }
    }
    event.finish();
    leaveEventSync(outer);
    this.delivered += delivered;
    return called;
  }

  /** Calls one handler: `SKIPPED`, `undefined` when it is done, or the promise of its end. */
  start(entry: Entry, event: PublishedEvent): Promise<unknown> | typeof SKIPPED | undefined {
    if (entry.catchUp && entry.active) return entry.catchUp.enqueue(event);
    const result = handling.hasSubscribers ? traceHandler(entry, event) : entry.take(event);
    return result === SKIPPED ? SKIPPED : this.settled(entry, event, result);
  }

  /** `undefined` when a handler's result isn't one to wait for, else its promise, within the time limit. */
  settled(entry: Entry, event: PublishedEvent, result: unknown): Promise<unknown> | undefined {
    const work = asPromise(result);
    const timeoutMs = this.#timeoutMs;
    if (work === undefined || timeoutMs === undefined || entry.tap) return work;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const stop = startTimer(timeoutMs, () => {
        isLate = true;
        reject(tooSlow(entry, event, timeoutMs));
      });
      work.then(
        (value) => {
          stop();
          resolve(value);
        },
        (cause: unknown) => {
          stop();
          // The delivery has ended without it, but its failure is still somebody's to know.
          if (isLate) this.#report.take(new HandlerError(event, entry.subscription, cause));
          reject(cause);
        },
      );
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

  /** Follows an asynchronous handler of a synchronous publish to its end. Returns 1 for one that is done. */
  #follow(entry: Entry, event: PublishedEvent, result: Promise<unknown> | undefined): 0 | 1 {
    if (result === undefined) return entry.tap ? 0 : 1;
    event.begin();
    this.inFlight.begin();
    const end = (): void => {
      event.finish();
      this.inFlight.end();
    };
    result.then(
      (value) => {
        if (value !== SKIPPED && !entry.tap) this.delivered += 1;
        end();
      },
      (cause: unknown) => {
        this.fail(entry, event, cause);
        end();
      },
    );
    return 0;
  }
}

/** Whether a handler's result can't have a `then`: most have none at all. */
function isPlain(result: unknown): boolean {
  return result === undefined || (typeof result !== "object" && typeof result !== "function");
}

function tooSlow(entry: Entry, event: PublishedEvent, timeoutMs: number): EventBusError {
  return new EventBusError(
    "HANDLER_TIMEOUT",
    `Handler "${entry.name}" of "${event.topic}" has not settled within ${timeoutMs} ms. The delivery goes on without it; make it faster, or raise handlerTimeoutMs.`,
  );
}
