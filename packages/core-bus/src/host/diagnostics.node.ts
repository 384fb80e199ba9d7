import { tracingChannel, type TracingChannel } from "node:diagnostics_channel";

/** The part of Node's tracing channels that the bus uses. */
export type Tracing = Pick<
  TracingChannel<object>,
  "hasSubscribers" | "start" | "end" | "asyncStart" | "asyncEnd" | "error"
>;

/** Each publish: `tracing:ringrift.publish:start` and its relatives. */
export const publishing: Tracing = tracingChannel<object>("ringrift.publish");

/** Each call of a handler: `tracing:ringrift.handler:start` and its relatives. */
export const handling: Tracing = tracingChannel<object>("ringrift.handler");

// What a module exports is a variable to V8. These are constants: code that asks them is compiled to the answer.
const publishes = publishing;
const calls = handling;

/**
 * Whether anybody listens to any of the channels. Asked at every publish, and so written out: as one function
 * it costs a call where V8 doesn't inline it, the getters `publishing.hasSubscribers` and its twin cost ten.
 */
export function isTraced(): boolean {
  return (
    publishes.start.hasSubscribers ||
    publishes.end.hasSubscribers ||
    publishes.asyncStart.hasSubscribers ||
    publishes.asyncEnd.hasSubscribers ||
    publishes.error.hasSubscribers ||
    calls.start.hasSubscribers ||
    calls.end.hasSubscribers ||
    calls.asyncStart.hasSubscribers ||
    calls.asyncEnd.hasSubscribers ||
    calls.error.hasSubscribers
  );
}
