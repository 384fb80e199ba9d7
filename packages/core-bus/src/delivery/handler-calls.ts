import { runWithEventCleanly } from "@ringrift/envelope";
import { EventBusError } from "../contract/errors.ts";
import type { PublishedEvent } from "../contract/event.ts";
import { isQuiet } from "../contract/quiet.ts";
import { asPromise, isObject } from "../host/thenable.ts";
import { startIdleTimer, startTimer } from "../host/timer.ts";
import type { Delivery } from "../signals/delivery-result.ts";
import type { FailureReport } from "../signals/failure-report.ts";
import { HandlerError } from "../signals/handler-error.ts";
import { type Entry, SKIPPED } from "../subscriptions/subscription-entry.ts";
import type { DeliveryOrder } from "./delivery-order.ts";
import type { InFlight } from "./in-flight.ts";
import { traceHandler } from "./tracing.ts";

const NO_ERRORS: readonly HandlerError[] = Object.freeze([]);

/** How one event is delivered. */
export interface DeliveryWay {
  readonly order: DeliveryOrder;
  readonly isTraced: boolean;
  /** Nothing stands between it and its handlers. */
  readonly isDirect: boolean;
  /** The publisher gets failures as a rejection. */
  readonly failuresThrown: boolean;
}

export interface HandlerCallsParts {
  readonly handlerTimeoutMs: number | undefined;
  readonly report: FailureReport;
  readonly inFlight: InFlight;
}

/** Calls single handlers of an event, follows them to their end, and counts. */
export class HandlerCalls {
  readonly #timeoutMs: number | undefined;
  readonly #report: FailureReport;
  readonly inFlight: InFlight;
  /** Handlers that succeeded, since the bus began. */
  delivered = 0;
  failed = 0;

  constructor(parts: HandlerCallsParts) {
    this.#timeoutMs = parts.handlerTimeoutMs;
    this.#report = parts.report;
    this.inFlight = parts.inFlight;
  }

  /** Something of an event runs on: the bus is not drained, and publishes in it are nested. */
  hold(event: PublishedEvent): void {
    event.begin();
    this.inFlight.begin();
  }

  /** Ends what {@link hold} began. */
  letGo(event: PublishedEvent): void {
    event.finish();
    this.inFlight.end();
  }

  /** Ends a delivery. */
  end(event: PublishedEvent, delivered: number, errors: HandlerError[] | undefined): Delivery {
    this.letGo(event);
    this.delivered += delivered;
    return { event, delivered, errors: errors ?? NO_ERRORS };
  }

  /** Calls a handler that was counted as called and succeeded before; returns 1 if it was not called, or is a tap. */
  callLate(entry: Entry, event: PublishedEvent): number {
    this.delivered -= 1;
    return 1 - this.callNow(entry, event, false);
  }

  /** Calls one handler of a synchronous publish; returns 1 if it was called, and is no tap. */
  callNow(entry: Entry, event: PublishedEvent, isTraced: boolean): 0 | 1 {
    const weight = entry.tap ? 0 : 1;
    try {
      const { immediate } = entry;
      // What an asynchronous handler publishes later has to know its cause as well. Whether it is one, its calls say.
      const result =
        immediate !== undefined && event.handling === undefined && !isTraced
          ? immediate(event)
          : entry.endsAtOnce
            ? this.call(entry, event, isTraced)
            : runWithEventCleanly(event, () => this.call(entry, event, isTraced));
      if (result === SKIPPED) return 0;
      if (isObject(result)) this.follow(entry, event, result);
      else entry.endedAtOnce();
      this.delivered += weight;
    } catch (cause) {
      this.fail(entry, event, cause);
    }
    return weight;
  }

  /** Calls one handler: its result, or `SKIPPED`. While it catches up, a promise of its end. */
  call(entry: Entry, event: PublishedEvent, isTraced: boolean): unknown {
    if (entry.catchUp && entry.active) return entry.catchUp.enqueue(event);
    const { handling } = event;
    if (handling !== undefined && !entry.tap) {
      return handling.run(() => (isTraced ? traceHandler(entry, event) : entry.take(event)));
    }
    return isTraced ? traceHandler(entry, event) : entry.take(event);
  }

  /**
   * `undefined` when a handler's result isn't one to wait for, else its promise, within the time limit. The limit keeps
   * the process alive where a publisher waits.
   */
  // oxlint-disable-next-line eslint/max-params -- hot path: each call of a handler that returns an object would make one more
  settled(
    entry: Entry,
    event: PublishedEvent,
    result: unknown,
    start: typeof startTimer = startTimer,
  ): Promise<unknown> | undefined {
    const work = asPromise(result);
    if (work === undefined) return undefined;
    entry.gavePromise();
    // Asked first: an awaited publish to ten handlers is a tenth faster than where each is looked at.
    if (this.#timeoutMs === undefined) return work;
    return entry.tap || entry.catchUp || entry.onEnd
      ? work
      : this.limited(entry, event, work, start);
  }

  /** The promise of a handler, within the time limit. */
  // oxlint-disable-next-line eslint/max-params -- hot path, as above
  limited(
    entry: Entry,
    event: PublishedEvent,
    work: Promise<unknown>,
    start: typeof startTimer = startTimer,
  ): Promise<unknown> {
    const timeoutMs = this.#timeoutMs;
    if (timeoutMs === undefined) return work;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const stop = start(timeoutMs, () => {
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
  // oxlint-disable-next-line eslint/max-params -- hot path: each failure of a handler would make one more object
  fail(entry: Entry, event: PublishedEvent, cause: unknown, thrown = false): HandlerError {
    const error = new HandlerError(event, entry.subscription, cause);
    this.failed += 1;
    if (!isQuiet(cause)) this.#report.take(error, thrown);
    return error;
  }

  /**
   * Follows an asynchronous handler of a synchronous publish to its end. It is counted as delivered then,
   * and not when it was called, as those that have ended are.
   */
  follow(entry: Entry, event: PublishedEvent, result: object): void {
    const work = this.settled(entry, event, result, startIdleTimer);
    if (work === undefined) return;
    const weight = entry.tap ? 0 : 1;
    this.delivered -= weight;
    this.hold(event);
    work.then(
      (value) => {
        if (value !== SKIPPED) this.delivered += weight;
        this.letGo(event);
      },
      (cause: unknown) => {
        this.fail(entry, event, cause);
        this.letGo(event);
      },
    );
  }
}

function tooSlow(entry: Entry, event: PublishedEvent, timeoutMs: number): EventBusError {
  return new EventBusError(
    "HANDLER_TIMEOUT",
    `Handler "${entry.name}" of "${event.topic}" has not settled within ${timeoutMs} ms. The delivery goes on without it; make it faster, or raise handlerTimeoutMs.`,
  );
}
