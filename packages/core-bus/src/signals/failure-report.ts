import type { EventEmitter } from "eventemitter3";
import type { BusEvent } from "../contract/event.ts";
import { describe, type HandlerError } from "./handler-error.ts";
import type { BusSignals } from "./signals.ts";
import { asPromise } from "../host/thenable.ts";
import { emitWarning } from "../host/warning.ts";

/** The emitter as generic code sees it: which value goes with which name is checked at `signal`. */
type AnyEmitter = EventEmitter<Record<keyof BusSignals, [value: unknown]>>;

/** The code of the process warning for failures that nobody else takes. */
const HANDLER_WARNING = "RINGRIFT_HANDLER_ERROR";
/** The same for middleware that failed when its `publishSync` had returned already. */
const MIDDLEWARE_WARNING = "RINGRIFT_MIDDLEWARE_ERROR";

/**
 * Takes a handler's failure to `onError`, or where there is none, to `process.emitWarning`. Nothing
 * that happens here can stop a delivery: when `onError` itself fails, that is a warning too.
 */
export class FailureReport {
  readonly #onError: ((error: HandlerError) => unknown) | undefined;
  readonly #signals: AnyEmitter;

  constructor(
    onError: ((error: HandlerError) => unknown) | undefined,
    signals: EventEmitter<BusSignals>,
  ) {
    this.#onError = onError;
    this.#signals = signals as unknown as AnyEmitter;
  }

  /** `thrown` says that the publisher gets the failure as a rejection anyway. */
  take(error: HandlerError, thrown = false): void {
    this.signal("error", error);
    if (!this.#onError) {
      if (!thrown) warn(error.message, error.cause);
      return;
    }
    try {
      const result = this.#onError(error);
      asPromise(result)?.then(undefined, (cause) => this.#failed(cause, error));
    } catch (cause) {
      this.#failed(cause, error);
    }
  }

  /** Takes the failure of asynchronous middleware whose publisher doesn't wait for it. */
  middlewareFailed(event: BusEvent, cause: unknown): void {
    emitWarning(`Middleware failed on an event "${event.topic}": ${describe(cause)}`, {
      type: "MiddlewareError",
      code: MIDDLEWARE_WARNING,
      cause,
    });
  }

  /** Whether anybody listens to a signal: what costs something is not made for nobody. */
  hears(name: keyof BusSignals): boolean {
    return this.#signals.listenerCount(name) > 0;
  }

  /** Emits one of the bus's own signals; a listener that throws becomes a warning. */
  signal<K extends keyof BusSignals>(name: K, value: Parameters<BusSignals[K]>[0]): void {
    if (!this.hears(name)) return;
    try {
      this.#signals.emit(name, value);
    } catch (cause) {
      warn(`A listener of the bus's signal "${name}" failed: ${describe(cause)}`, cause);
    }
  }

  #failed(cause: unknown, error: HandlerError): void {
    warn(`onError itself failed (${describe(cause)}) while it was told: ${error.message}`, cause);
  }
}

/** Tells people of a failure that no code takes. */
export function warn(message: string, cause: unknown): void {
  emitWarning(message, { type: "HandlerError", code: HANDLER_WARNING, cause });
}
