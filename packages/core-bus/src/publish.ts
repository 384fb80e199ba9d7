import type { Contracts, EventLineage, EventName } from "@ringrift/envelope";
import type { DeliveryOrder } from "./dispatch.ts";
import { EventBusError } from "./errors.ts";

/** What can be said about an event beside its topic and payload. */
export interface PublishOptions {
  /** Remarks for handlers; the bus looks at none of them. @default {} */
  readonly metadata?: object | undefined;
  /** @default inherited from the event being handled, else the event's own id */
  readonly correlationId?: string | undefined;
  /** The component that publishes, e.g. `trainer`. @default "" */
  readonly source?: string | undefined;
  /** W3C trace context. @default inherited from the event being handled */
  readonly traceparent?: string | undefined;
  /** How the handlers of this event follow each other. @default the bus's `delivery` */
  readonly delivery?: DeliveryOrder | undefined;
  /**
   * `report`: failures are in `Delivery.errors` and go to `onError`. `throw`: when all handlers have
   * settled, `publish` rejects with an AggregateError (code `HANDLER_FAILED`) of them. @default "report"
   */
  readonly onFailure?: "report" | "throw" | undefined;
  /**
   * For bridges: the lineage of an event that exists already. Id, time, source, origin, correlation
   * and causation are taken from it; an event that has passed this bus is dropped as an `echo`.
   */
  readonly lineage?: EventLineage | undefined;
  /** For bridges: the event was brought again. */
  readonly redelivered?: boolean | undefined;
}

/** The arguments after the topic: the payload may be left out where its type allows `undefined`. */
export type PublishArguments<P> = undefined extends P
  ? [payload?: P, options?: PublishOptions]
  : [payload: P, options?: PublishOptions];

/** An event as one object: without `payload`, its `metadata` is the payload too. */
export type PublishRequest<C extends Contracts, K extends EventName<C>> = PublishOptions & {
  readonly topic: K;
} & (
    | { readonly payload: C[K] }
    | { readonly payload?: undefined; readonly metadata?: C[K] & object }
  );

/** An event of the past, for {@link EventBus.remember}. */
export type PastEvent<C extends Contracts, K extends EventName<C>> = {
  readonly topic: K;
  readonly payload: C[K];
  readonly metadata?: object | undefined;
  readonly lineage: EventLineage;
  readonly redelivered?: boolean | undefined;
};

/** Both forms of publish, read. */
export interface ReadRequest {
  readonly topic: string;
  readonly payload: unknown;
  readonly options: PublishOptions | undefined;
}

/** What the untyped engine publishes: a topic, or everything as one object. */
export type Publishable =
  | string
  | (PublishOptions & { readonly topic: string; readonly payload?: unknown });

const LONGEST_TEXT = 512;

/** Reads `(topic, payload, options)` or `({ topic, payload, metadata, … })`. */
export function readRequest(
  first: Publishable,
  payload: unknown,
  options: PublishOptions | undefined,
): ReadRequest {
  if (typeof first !== "object" || first === null) {
    if (options !== undefined) checkOptions(options);
    return { topic: first, payload, options };
  }
  checkOptions(first);
  const ownPayload = Object.hasOwn(first, "payload") && first.payload !== undefined;
  return {
    topic: first.topic,
    payload: ownPayload ? first.payload : first.metadata,
    options: first,
  };
}

function checkOptions(options: PublishOptions): void {
  const { metadata, onFailure, delivery } = options;
  if (metadata !== undefined && (typeof metadata !== "object" || metadata === null)) {
    throw invalid("metadata", metadata, "an object");
  }
  if (onFailure !== undefined && onFailure !== "report" && onFailure !== "throw") {
    throw invalid("onFailure", onFailure, '"report" or "throw"');
  }
  if (delivery !== undefined && delivery !== "serial" && delivery !== "parallel") {
    throw invalid("delivery", delivery, '"serial" or "parallel"');
  }
  checkText("source", options.source);
  checkText("correlationId", options.correlationId);
  checkText("traceparent", options.traceparent);
}

/** These travel to other processes, which refuse what isn't text: refuse it where it is written. */
function checkText(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value === "string" && value.length <= LONGEST_TEXT && value.isWellFormed()) return;
  throw invalid(name, value, `a well-formed string of at most ${LONGEST_TEXT} characters`);
}

function invalid(name: string, value: unknown, wanted: string): EventBusError {
  const shown = typeof value === "string" ? value.slice(0, 60) : String(value);
  return new EventBusError("INVALID_OPTION", `Option "${name}" is "${shown}". Give ${wanted}.`);
}
