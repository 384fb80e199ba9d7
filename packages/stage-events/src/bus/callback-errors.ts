import type { HandlerError } from "@ringrift/core-bus";
import type { EventLineage } from "@ringrift/envelope";

/** A handler's failure on one stage event. */
export interface StageCallbackError {
  readonly stage: string;
  /** The handler's name. */
  readonly handler: string;
  /** What it threw or rejected with. */
  readonly error: unknown;
  /** When it was reported, in milliseconds since the epoch. */
  readonly time: number;
  readonly event: EventLineage;
}

const KEPT = 100;

/** The newest failures, at most a hundred. */
export class CallbackErrors {
  #errors: StageCallbackError[] = [];
  /** All of them since the beginning. */
  total = 0;

  add(error: HandlerError): void {
    this.total += 1;
    const { topic: stage } = error.event;
    this.#errors.push({
      stage,
      handler: error.subscription.name,
      error: error.cause,
      time: Date.now(),
      event: error.event,
    });
    if (this.#errors.length > KEPT) this.#errors = this.#errors.slice(-KEPT);
  }

  newest(limit: number): StageCallbackError[] {
    return this.#errors.slice(-limit).toReversed();
  }
}
