export type { EventBus, HistoryQuery, ReplayQuery, Subscriber, UnsubscribeQuery } from "./bus.ts";
export { createEventBus, type SchemaBusOptions } from "./create-event-bus.ts";
export { getEventBus, resetEventBus } from "./default-bus.ts";
export type { Delivery, DropReason } from "./delivery.ts";
export type { DeliveryOrder } from "./delivery-order.ts";
export { EventBusError, type EventBusErrorCode } from "./errors.ts";
export { type BusEvent, type Metadata, settled } from "./event.ts";
export {
  type EmitterLike,
  type EmitterMap,
  type Forwarding,
  fromEventEmitter,
} from "./from-event-emitter.ts";
export { HandlerError } from "./handler-error.ts";
export type { HistoryOption } from "./history.ts";
export type { DrainResult } from "./in-flight.ts";
export type { Middleware, MiddlewareOptions } from "./middleware.ts";
export type { EventBusOptions } from "./options.ts";
export { PayloadError } from "./payload-error.ts";
export type { PastEvent, PublishArguments, PublishOptions, PublishRequest } from "./publish.ts";
export { isQuiet, quiet } from "./quiet.ts";
export type { RouteStats } from "./router/router.ts";
export type { PayloadsOf, Repeatable, SchemaMap, SchemasFor } from "./schemas.ts";
export type { TopicFilter } from "./selector.ts";
export type { BusSignals, Dropped } from "./signals.ts";
export type { BusSnapshot, BusStats, SubscriptionSnapshot, TopicSnapshot } from "./stats.ts";
export type { EventStream, Overflow, StreamOptions } from "./stream.ts";
export type { Handler, ReplayOptions, SubscribeOptions, Subscription } from "./subscription.ts";
export type {
  EventFor,
  EventOf,
  PatternText,
  Selectable,
  TopicOrPattern,
  TopicSelection,
  TopicsMatching,
} from "./topics.ts";
export type { HandlerTrace, PublishTrace } from "./tracing.ts";
export type { WaitOptions } from "./wait-for.ts";
export {
  type EmitterArguments,
  type EmitterEvents,
  toEventEmitter,
  type TopicEmitter,
} from "./topic-emitter.ts";
