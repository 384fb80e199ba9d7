import { handling, publishing } from "#diagnostics";
import type { Delivery } from "../signals/delivery-result.ts";
import type { Entry } from "../subscriptions/subscription-entry.ts";
import type { BusEvent, PublishedEvent } from "../contract/event.ts";
import { asPromise } from "../host/thenable.ts";
import type { Subscription } from "../contract/subscription.ts";

/**
 * What a subscriber of the tracing channel `ringrift.publish` gets: `start` and `end` around the
 * synchronous part, `asyncStart` and `asyncEnd` when `publish` settles, `error` when it is refused.
 */
export interface PublishTrace {
  /** Id of the bus. */
  readonly bus: string;
  readonly event: BusEvent;
  /** On `asyncEnd` of `publish`. */
  result?: Delivery;
  error?: unknown;
}

/** What a subscriber of the tracing channel `ringrift.handler` gets, for each call of a handler. */
export interface HandlerTrace {
  readonly event: BusEvent;
  readonly subscription: Subscription;
  result?: unknown;
  error?: unknown;
}

/** Calls a handler under the tracing channel; nobody is asked whether there are subscribers. */
export function traceHandler(entry: Entry, event: PublishedEvent): unknown {
  const trace: HandlerTrace = { event, subscription: entry.subscription };
  return traced(handling, trace, () => entry.take(event));
}

/** Publishes under the tracing channel. */
export function tracePublish<T>(bus: string, event: PublishedEvent, publish: () => T): T {
  const trace: PublishTrace = { bus, event };
  return traced(publishing, trace, publish);
}

function traced<T>(
  channel: typeof handling,
  trace: { result?: unknown; error?: unknown },
  call: () => T,
): T {
  return channel.start.runStores(trace, () => {
    try {
      const result = call();
      // A foreign thenable is asked once: what is returned is the promise made of it.
      const work = asPromise(result);
      const end = (): void => {
        channel.asyncStart.publish(trace);
        channel.asyncEnd.publish(trace);
      };
      work?.then(
        (value) => {
          trace.result = value;
          end();
        },
        (cause: unknown) => {
          trace.error = cause;
          channel.error.publish(trace);
          end();
        },
      );
      return work ?? result;
    } catch (cause) {
      trace.error = cause;
      channel.error.publish(trace);
      throw cause;
    } finally {
      channel.end.publish(trace);
    }
  }) as T;
}
