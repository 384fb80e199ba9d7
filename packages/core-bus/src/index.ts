export type { EventBus, HistoryQuery, ReplayQuery, UnsubscribeQuery } from "./bus/bus.ts";
export type { Subscriber } from "./subscriptions/subscriber.ts";
export { createEventBus, type SchemaBusOptions } from "./bus/create-event-bus.ts";
export { getEventBus, resetEventBus } from "./bus/default-bus.ts";
export type { Delivery, DropReason } from "./signals/delivery-result.ts";
export type { DeliveryOrder } from "./delivery/delivery-order.ts";
export { EventBusError, type EventBusErrorCode } from "./contract/errors.ts";
export { type BusEvent, isRepeated, type Metadata, settled } from "./contract/event.ts";
export {
  type EmitterLike,
  type EmitterMap,
  type Forwarding,
  fromEventEmitter,
} from "./emitters/from-event-emitter.ts";
export { HandlerError } from "./signals/handler-error.ts";
export type { HistoryOption } from "./reading/history.ts";
export type { DrainResult } from "./delivery/in-flight.ts";
export type { Middleware, MiddlewareOptions } from "./publishing/middleware.ts";
export type { EventBusOptions } from "./bus/options.ts";
export { PayloadError } from "./publishing/payload-error.ts";
export type {
  PastEvent,
  PublishArguments,
  PublishOptions,
  PublishRequest,
} from "./publishing/publish-request.ts";
export { linkToQueue } from "./bus/link-to-queue.ts";
export type { Handling } from "./contract/handling.ts";
export type { QueueLink } from "./contract/queue-link.ts";
export { isQuiet, quiet } from "./contract/quiet.ts";
export type { RouteStats } from "./router/router.ts";
export type { PayloadsOf, Repeatable, SchemaMap, SchemasFor } from "./publishing/schemas.ts";
export type { TopicFilter } from "./topics/selector.ts";
export type { BusSignals, Dropped } from "./signals/signals.ts";
export type {
  BusSnapshot,
  BusStats,
  SubscriptionSnapshot,
  TopicSnapshot,
} from "./signals/stats.ts";
export type { EventStream, Overflow, StreamOptions } from "./reading/stream.ts";
export type {
  Handler,
  ReplayOptions,
  SubscribeOptions,
  Subscription,
} from "./contract/subscription.ts";
export type {
  EventFor,
  EventOf,
  PatternText,
  PayloadFor,
  Publishable,
  Selectable,
  TopicOrPattern,
  TopicSelection,
  TopicsMatching,
} from "./topics/topics.ts";
export type { HandlerTrace, PublishTrace } from "./delivery/tracing.ts";
export type { WaitOptions } from "./reading/wait-for.ts";
export {
  type EmitterArguments,
  type EmitterEvents,
  toEventEmitter,
  type TopicEmitter,
} from "./emitters/topic-emitter.ts";
