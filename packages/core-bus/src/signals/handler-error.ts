import { EventBusError } from "../contract/errors.ts";
import type { BusEvent } from "../contract/event.ts";
import type { Subscription } from "../contract/subscription.ts";

/**
 * One handler's failure on one event, code `HANDLER_FAILED`: what `onError` gets and
 * `Delivery.errors` holds. `cause` is what the handler (or its `where`) threw or rejected with,
 * untouched, whether it is an Error or not.
 */
export class HandlerError extends EventBusError {
  override readonly name: string = "HandlerError";
  readonly event: BusEvent;
  readonly subscription: Subscription;

  constructor(event: BusEvent, subscription: Subscription, cause: unknown) {
    super(
      "HANDLER_FAILED",
      `Handler "${subscription.name}" of "${subscription.topic}" failed on an event "${event.topic}": ${describe(cause)}`,
      { cause },
    );
    this.event = event;
    this.subscription = subscription;
  }
}

/** What was thrown, in words. A hostile one must not replace the failure that is being described. */
export function describe(cause: unknown): string {
  try {
    return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  } catch {
    return typeof cause;
  }
}
