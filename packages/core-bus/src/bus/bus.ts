import type { Subscriber } from "../subscriptions/subscriber.ts";
import type { AnyContracts, Contracts, EventName } from "@ringrift/envelope";
import type { EventEmitter } from "eventemitter3";
import type { Delivery } from "../signals/delivery-result.ts";
import type { BusEvent } from "../contract/event.ts";
import type { DrainResult } from "../delivery/in-flight.ts";
import type { Middleware, MiddlewareOptions } from "../publishing/middleware.ts";
import type { PastEvent, PublishArguments, PublishRequest } from "../publishing/publish-request.ts";
import type { BusSignals } from "../signals/signals.ts";
import type { BusSnapshot, BusStats } from "../signals/stats.ts";
import type { EventStream, StreamOptions } from "../reading/stream.ts";
import type { Handler, SubscribeOptions, Subscription } from "../contract/subscription.ts";
import type {
  AnyFilter,
  EventFor,
  EventOf,
  PayloadFor,
  Publishable,
  Selectable,
  TopicSelection,
} from "../topics/topics.ts";
import type { WaitOptions } from "../reading/wait-for.ts";

/** Which retained events are wanted; both ends are inclusive. */
export interface ReplayQuery<S extends string = string> {
  /** A topic or a pattern. @default all topics */
  readonly topic?: S | undefined;
  /** A `Date` or milliseconds since the epoch. @default no limit */
  readonly since?: Date | number | undefined;
  /** A `Date` or milliseconds since the epoch. @default no limit */
  readonly until?: Date | number | undefined;
}

/** Which retained events `getHistory` gives, and how many of them. */
export interface HistoryQuery<S extends string = string> extends ReplayQuery<S> {
  /** At most so many, the newest of them. @default 100 */
  readonly limit?: number | undefined;
}

/** Which subscriptions to end: by handler, by topic or pattern as it was written, or by both. */
export interface UnsubscribeQuery {
  /** The function that was subscribed. @default any */
  readonly handler?: ((...args: never[]) => unknown) | undefined;
  /** The topic or pattern, as it was written. @default any */
  readonly topic?: string | undefined;
}

declare const contracts: unique symbol;

/**
 * An in-process topic bus.
 *
 * - Handlers are called by priority (higher first), then in the order in which they subscribed, exact
 *   topics and patterns alike. Across concurrent publishes nothing is ordered.
 * - A handler's failure stops no other handler and rejects no publish. It goes to `onError`, or without
 *   one to `process.emitWarning` with code `RINGRIFT_HANDLER_ERROR`.
 * - Who subscribes during a publish isn't called for it; who unsubscribes isn't called any more.
 * - Nothing is stored beyond the history in memory, and nothing leaves the process.
 */
export interface EventBus<C extends Contracts = AnyContracts> extends AsyncDisposable {
  /** Names this instance, in `via`; new for each bus. */
  readonly id: string;
  /** What the bus tells about itself. */
  readonly signals: EventEmitter<BusSignals>;
  /** Exists in types only: a typed bus may be passed as an untyped one, not as one of other payloads. */
  readonly [contracts]?: { readonly [K in keyof C]?: C[K] };

  // Of overloads that all fail, the compiler explains the last one. It is therefore the one that checks
  // texts, and it takes filters as well, so that their mistakes are explained too. The first one takes
  // topics of type parameters and suggests the names of topics in editors.

  /**
   * Calls a handler for each event of a topic, pattern or filter, or of a list of topics and patterns: once for each event,
   * even if several of them match.
   *
   * @throws EventBusError `INVALID_TOPIC`, `INVALID_PATTERN`, `INVALID_OPTION`, `WRONG_NAME`, `BUS_CLOSED`; with schemas,
   * `UNKNOWN_TOPIC`
   * @throws EnvelopeError `INVALID_TIME` for a `replay.since` that isn't a time
   * @example bus.subscribe("training.*", (event) => console.log(event.topic));
   */
  subscribe<const K extends EventName<C> = EventName<C>>(
    selection: TopicSelection<C, K>,
    handler: Handler<EventFor<C, K>>,
    options?: SubscribeOptions<EventFor<C, K>>,
  ): Subscription;
  subscribe<const S extends string = EventName<C>>(
    selection: Selectable<C, S> | readonly Selectable<C, S>[] | AnyFilter<C>,
    handler: Handler<EventFor<C, S>>,
    options?: SubscribeOptions<EventFor<C, S>>,
  ): Subscription;

  /**
   * `subscribe` for a topic or pattern that is known only at run time; the event may be any of the bus's.
   *
   * @throws what `subscribe` throws
   * @example bus.subscribePattern(process.argv[2] ?? "**", (event) => console.log(event.topic));
   */
  subscribePattern(
    pattern: string,
    handler: Handler<EventOf<C>>,
    options?: SubscribeOptions<EventOf<C>>,
  ): Subscription;

  /**
   * `subscribe` with `once: true`.
   *
   * @throws what `subscribe` throws
   */
  once<const K extends EventName<C> = EventName<C>>(
    selection: TopicSelection<C, K>,
    handler: Handler<EventFor<C, K>>,
    options?: SubscribeOptions<EventFor<C, K>>,
  ): Subscription;
  once<const S extends string = EventName<C>>(
    selection: Selectable<C, S> | readonly Selectable<C, S>[] | AnyFilter<C>,
    handler: Handler<EventFor<C, S>>,
    options?: SubscribeOptions<EventFor<C, S>>,
  ): Subscription;

  /**
   * `subscribe` as a decorator, of a method or of a plain function.
   *
   * @throws what `subscribe` throws; `BUS_CLOSED`, and a wrong `replay`, only when an instance is made
   * @example
   * class Trainer {
   *   \@bus.subscriber("data.new_games")
   *   onNewGames(event: BusEvent) {} // subscribed for as long as the instance lives
   * }
   */
  subscriber<const K extends EventName<C> = EventName<C>>(
    selection: TopicSelection<C, K>,
    options?: SubscribeOptions<EventFor<C, K>>,
  ): Subscriber<EventFor<C, K>>;
  subscriber<const S extends string = EventName<C>>(
    selection: Selectable<C, S> | readonly Selectable<C, S>[] | AnyFilter<C>,
    options?: SubscribeOptions<EventFor<C, S>>,
  ): Subscriber<EventFor<C, S>>;

  /**
   * Ends subscriptions of `subscribe`, `once` and `subscriber`, and says how many; with an empty query, none. Streams,
   * waits and taps (bridges, trackers) belong to whoever made them: a tap ends only when its own `handler` is given.
   *
   * @throws EventBusError `INVALID_OPTION`
   */
  unsubscribe(query: UnsubscribeQuery): number;

  /**
   * Delivers an event and resolves when all its handlers have settled. The first handler has
   * started when `publish` returns. On a serial bus each waits for the one before.
   *
   * An asynchronous schema is awaited before the event is made. A handler's failure doesn't reject it, unless
   * `onFailure` is `throw`.
   *
   * @throws EventBusError (rejects) `INVALID_TOPIC`, `WRONG_NAME`, `WRONG_OUTCOME`, `INVALID_OPTION`, `BUS_CLOSED`;
   * `DEPTH_EXCEEDED` for more than `maxDepth` unfinished publishes nested in each other; `CAUSAL_DEPTH_EXCEEDED` beyond
   * `maxCausalDepth`; with schemas, `UNKNOWN_TOPIC`, and `INVALID_PAYLOAD` (a PayloadError)
   * @throws EnvelopeError (rejects) `INVALID_LINEAGE` for a `lineage` that isn't one
   * @throws AggregateError (rejects) `HANDLER_FAILED`, with `onFailure: "throw"`; and what a middleware throws
   * @example const { delivered } = await bus.publish("training.completed", { loss: 0.01 });
   */
  publish<const K extends EventName<C>>(
    topic: K,
    ...rest: PublishArguments<C[K]>
  ): Promise<Delivery<BusEvent<K, C[K]>>>;
  publish<const S extends string>(
    topic: Publishable<C, S>,
    ...rest: PublishArguments<PayloadFor<C, S>>
  ): Promise<Delivery<EventFor<C, S>>>;
  publish<const K extends EventName<C>>(
    request: PublishRequest<C, K>,
  ): Promise<Delivery<BusEvent<K, C[K]>>>;

  /**
   * Calls all handlers before it returns, and says how many. It waits for no asynchronous one; their
   * failures are reported and `drain()` waits for them. What they publish after an
   * `await` inherits from this event, too; except in the first call of theirs that gives a promise, if they are no
   * `async` functions and have given none in calls before.
   *
   * @throws what `publish` rejects with; `ASYNC_SCHEMA` when the topic's schema is asynchronous
   */
  publishSync<const K extends EventName<C>>(topic: K, ...rest: PublishArguments<C[K]>): number;
  publishSync<const S extends string>(
    topic: Publishable<C, S>,
    ...rest: PublishArguments<PayloadFor<C, S>>
  ): number;
  publishSync<const K extends EventName<C>>(request: PublishRequest<C, K>): number;

  /**
   * Adds middleware around every publish from now on, inside of what was added before. Returns what
   * removes it; a publish on its way keeps what it began with.
   *
   * @throws EventBusError `INVALID_OPTION`, `INVALID_PATTERN`, `BUS_CLOSED`
   * @example bus.use((event, next) => (event.topic.startsWith("debug.") ? undefined : next()));
   */
  use(middleware: Middleware<EventOf<C>>, options?: MiddlewareOptions): () => void;

  /**
   * The next event of a topic or pattern. A wait keeps the process alive until its timeout; without one it doesn't.
   *
   * @throws EventBusError (rejects) `WAIT_TIMEOUT`, `BUS_CLOSED`, `INVALID_TOPIC`, `INVALID_PATTERN`, `INVALID_OPTION`,
   * `WRONG_NAME`; `WAIT_ENDED` when somebody else ended its subscription; with schemas, `UNKNOWN_TOPIC`. When its signal
   * aborts, it rejects with the signal's reason.
   * @example const event = await bus.waitFor("training.completed", { timeoutMs: 60_000 });
   */
  waitFor<const K extends EventName<C> = EventName<C>>(
    selection: TopicSelection<C, K>,
    options?: WaitOptions<EventFor<C, K>>,
  ): Promise<EventFor<C, K>>;
  waitFor<const S extends string = EventName<C>>(
    selection: Selectable<C, S> | readonly Selectable<C, S>[] | AnyFilter<C>,
    options?: WaitOptions<EventFor<C, S>>,
  ): Promise<EventFor<C, S>>;

  /**
   * Events as an async iterator over a bounded buffer; subscribed when this is called.
   *
   * @throws what `subscribe` throws
   * @example for await (const event of bus.stream("training.**")) console.log(event.topic);
   */
  stream<const K extends EventName<C> = EventName<C>>(
    selection: TopicSelection<C, K>,
    options?: StreamOptions<EventFor<C, K>>,
  ): EventStream<EventFor<C, K>>;
  stream<const S extends string = EventName<C>>(
    selection: Selectable<C, S> | readonly Selectable<C, S>[] | AnyFilter<C>,
    options?: StreamOptions<EventFor<C, S>>,
  ): EventStream<EventFor<C, S>>;

  /**
   * Retained events, newest first.
   *
   * @throws EventBusError `INVALID_OPTION`, `INVALID_TOPIC`, `INVALID_PATTERN`, `WRONG_NAME`; with schemas, `UNKNOWN_TOPIC`
   * @throws EnvelopeError `INVALID_TIME`
   */
  getHistory<const K extends EventName<C> = EventName<C>>(
    query?: HistoryQuery<K | "**">,
  ): EventFor<C, K>[];
  getHistory<const S extends string>(query: HistoryQuery<Selectable<C, S>>): EventFor<C, S>[];

  /**
   * Calls one handler for all retained events that match, oldest first, one after another, and
   * nobody else. Resolves to how many succeeded; failures are reported like those of a publish.
   *
   * @throws what `getHistory` throws (rejects)
   */
  replay<const K extends EventName<C> = EventName<C>>(
    handler: Handler<EventFor<C, K>>,
    query?: ReplayQuery<K | "**">,
  ): Promise<number>;
  replay<const S extends string>(
    handler: Handler<EventFor<C, S>>,
    query: ReplayQuery<Selectable<C, S>>,
  ): Promise<number>;

  /**
   * For bridges that fill the history from a log when they start: puts an event of the past in its
   * place by time, calls no subscription, and signals `remembered`. False when it is there already, too
   * old for a full history, or refused by its schema.
   *
   * @throws EventBusError `INVALID_TOPIC`, `WRONG_NAME`, `INVALID_OPTION`; with schemas, `UNKNOWN_TOPIC`, `ASYNC_SCHEMA`
   * @throws EnvelopeError `INVALID_LINEAGE`
   */
  remember<const K extends EventName<C>>(event: PastEvent<C, K>): boolean;

  /** Whether an event of this topic would find a subscription; filters by source and `where` aside. */
  hasSubscribers(topic: EventName<C>): boolean;

  /** Counters since the bus began. */
  stats(): BusStats;

  /** The bus and its subscriptions as plain data, for people. */
  inspect(): BusSnapshot;

  /**
   * Waits until no delivery is running, at most `timeoutMs` (default: no limit), and keeps the process alive
   * until the limit. Don't await it in a handler without a limit: it would wait for itself.
   *
   * @throws EventBusError (rejects) `INVALID_OPTION`
   */
  drain(options?: { readonly timeoutMs?: number }): Promise<DrainResult>;

  /**
   * Closes the bus: refuses publishes and subscriptions from now on, rejects waits, ends streams (what
   * they have buffered can still be read), waits for running handlers at most `timeoutMs` (default
   * 5000; called in a handler, not at all), then ends all subscriptions. The history stays readable.
   * It keeps the process alive until it has resolved. Idempotent; also as `await using`.
   *
   * @throws EventBusError (rejects) `INVALID_OPTION`
   */
  close(options?: { readonly timeoutMs?: number }): Promise<DrainResult>;
}
