import type { DropReason } from "./delivery-result.ts";
import type { BusEvent } from "../contract/event.ts";
import type { HandlerError } from "./handler-error.ts";
import type { Subscription } from "../contract/subscription.ts";

/** An event, or one delivery of it, that was dropped. */
export interface Dropped {
  readonly reason: DropReason;
  readonly event: BusEvent;
}

/**
 * What a bus tells about itself, on `bus.signals`, an eventemitter3. Listeners are called at once
 * and synchronously; one that throws becomes a process warning.
 */
export interface BusSignals {
  subscribed: (subscription: Subscription) => void;
  /** Ended, for whatever reason: called, disposed, aborted, claimed by `once`, owner collected. */
  unsubscribed: (subscription: Subscription) => void;
  /** An event that has no subscription. */
  dead: (event: BusEvent) => void;
  dropped: (dropped: Dropped) => void;
  error: (error: HandlerError) => void;
  /** `remember` has put an event of the past into the history. */
  remembered: (event: BusEvent) => void;
}
