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

/** Whether anybody listens to any of the channels. Asked at every publish: one function is cheaper than two getters. */
export function isTraced(): boolean {
  return publishing.hasSubscribers || handling.hasSubscribers;
}
