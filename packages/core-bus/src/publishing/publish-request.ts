import type { Contracts, EventLineage, EventName } from "@ringrift/envelope";
import { aFlag, anObject, anything, aText, checkOptions, type Rules } from "../contract/checked.ts";
import { anOrder, type DeliveryOrder } from "../delivery/delivery-order.ts";

/** What can be said about an event besides its topic and payload. */
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
   * @default a new one, with a new id
   */
  readonly lineage?: EventLineage | undefined;
  /** For bridges: the event was brought again. @default false */
  readonly redelivered?: boolean | undefined;
  /** For bridges, with `lineage`: the bus has had the event, and only taps get it. @default false */
  readonly repeated?: boolean | undefined;
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

const RULES: Rules<PublishOptions> = {
  metadata: anObject,
  correlationId: aText,
  source: aText,
  traceparent: aText,
  delivery: anOrder,
  onFailure: [(value) => value === "report" || value === "throw", '"report" or "throw"'],
  lineage: anything,
  redelivered: aFlag,
  repeated: aFlag,
};
const REQUEST_RULES = { ...RULES, topic: anything, payload: anything };

/** Reads `(topic, payload, options)` or `({ topic, payload, metadata, … })`. */
export function readRequest(
  first: Publishable,
  payload: unknown,
  options: PublishOptions | undefined,
): ReadRequest {
  if (typeof first !== "object" || first === null) {
    if (options !== undefined) checkOptions(options, RULES);
    return { topic: first, payload, options };
  }
  checkOptions(first, REQUEST_RULES);
  return {
    topic: first.topic,
    payload: first.payload === undefined ? first.metadata : first.payload,
    options: first,
  };
}
