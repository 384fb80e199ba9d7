import {
  type Contracts,
  currentEvent,
  newInstanceId,
  toMillis,
  validateLineage,
} from "@ringrift/envelope";
import { EventEmitter } from "eventemitter3";
import { onAbort } from "../host/abort.ts";
import type { HistoryQuery, ReplayQuery, UnsubscribeQuery } from "./bus.ts";
import { CatchUp } from "../reading/catch-up.ts";
import {
  aFunction,
  anything,
  checkOptions,
  invalidOption,
  type Rules,
  someMillis,
} from "../contract/checked.ts";
import type { Delivery } from "../signals/delivery-result.ts";
import { Dispatcher } from "../delivery/dispatcher.ts";
import type { Entry } from "../subscriptions/subscription-entry.ts";
import { EventBusError } from "../contract/errors.ts";
import { type BusEvent, PublishedEvent } from "../contract/event.ts";
import { History } from "../reading/history.ts";
import { type DrainResult, InFlight } from "../delivery/in-flight.ts";
import { inspectAs } from "../host/inspection.ts";
import {
  type Middleware,
  MiddlewareChain,
  type MiddlewareOptions,
} from "../publishing/middleware.ts";
import { type EventBusOptions, readOptions } from "./options.ts";
import {
  type PastEvent,
  type Publishable,
  type PublishOptions,
  readRequest,
} from "../publishing/publish-request.ts";
import { Publisher } from "../publishing/publisher.ts";
import { type QueueLink, QueueLinks } from "../contract/queue-link.ts";
import { FailureReport } from "../signals/failure-report.ts";
import { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { matcherOf, type Selection } from "../topics/selector.ts";
import { PayloadSchemas } from "../publishing/schemas.ts";
import type { BusSignals } from "../signals/signals.ts";
import type { BusSnapshot, BusStats } from "../signals/stats.ts";
import { BufferedStream, readStreamOptions, type StreamOptions } from "../reading/stream.ts";
import {
  type Handler,
  REPLAY_RULES,
  type ReplayOptions,
  SUBSCRIBE_RULES,
  type SubscribeOptions,
  type Subscription,
} from "../contract/subscription.ts";
import { decorate, type Subscriber } from "../subscriptions/subscriber.ts";
import { checkTopicName } from "../publishing/topic-names.ts";
import { waitForEvent, type WaitOptions } from "../reading/wait-for.ts";

const CLOSE_TIMEOUT_MS = 5000;
const DEFAULT_LIMIT = 100;
const UNSUBSCRIBE_RULES: Rules<UnsubscribeQuery> = { handler: aFunction, topic: anything };
const USE_RULES: Rules<MiddlewareOptions> = { topic: anything };
const HISTORY_RULES: Rules<HistoryQuery> = { ...REPLAY_RULES, topic: anything, until: anything };
const CLOSE_RULES = { timeoutMs: someMillis };

/** The engine behind `EventBus`, which is its typed face. */
export class TopicBus {
  readonly id: string = newInstanceId("bus");
  readonly signals: EventEmitter<BusSignals> = new EventEmitter<BusSignals>();
  readonly #schemas: PayloadSchemas | undefined;
  /** Throws on what is no topic of this bus. */
  readonly #checkName: (topic: string) => void;
  readonly #history: History;
  readonly #subscriptions: SubscriptionRegistry;
  readonly #inFlight = new InFlight();
  readonly #middleware = new MiddlewareChain();
  readonly #links = new QueueLinks();
  readonly #dispatcher: Dispatcher;
  readonly #publisher: Publisher;
  readonly #report: FailureReport;
  readonly #streams = new Set<BufferedStream>();
  readonly #waits = new Set<(cause: unknown) => void>();
  #closing: Promise<DrainResult> | undefined;

  constructor(options: EventBusOptions<Contracts>) {
    const read = readOptions(options);
    const { events, schemas, onError } = options;
    this.#checkName = (topic) => checkTopicName(topic, events, this.#schemas);
    this.#schemas = schemas && new PayloadSchemas(schemas, this.#checkName);
    this.#history = new History(read.historyCapacity);
    const report = new FailureReport(onError, this.signals);
    this.#report = report;
    const parts = {
      ...read,
      report,
      checkName: this.#checkName,
      hasFailure: (topic: string) => events?.failureOf?.(topic) !== undefined,
      events,
      inFlight: this.#inFlight,
    };
    this.#subscriptions = new SubscriptionRegistry(parts);
    this.#dispatcher = new Dispatcher(parts);
    this.#publisher = new Publisher({
      ...parts,
      id: this.id,
      schemas: this.#schemas,
      router: this.#subscriptions.router,
      history: this.#history,
      middleware: this.#middleware,
      links: this.#links,
      dispatcher: this.#dispatcher,
    });
  }

  subscribe(selection: Selection, handler: Handler, options: SubscribeOptions = {}): Subscription {
    this.#requireOpen("subscribe to", selection);
    checkOptions(options, SUBSCRIBE_RULES);
    const entry = this.#subscriptions.create(selection, handler, options);
    const { signal, replay } = options;
    const past = this.#past(entry, replay);
    this.#subscriptions.open(entry, signal);
    if (replay && entry.active) void this.#replay(entry, past);
    return entry.subscription;
  }

  subscribePattern(
    pattern: string,
    handler: Handler,
    options: SubscribeOptions = {},
  ): Subscription {
    return this.subscribe(pattern, handler, options);
  }

  once(selection: Selection, handler: Handler, options: SubscribeOptions = {}): Subscription {
    checkOptions(options, SUBSCRIBE_RULES);
    return this.subscribe(selection, handler, { ...options, once: true });
  }

  subscriber(selection: Selection, options: SubscribeOptions = {}): Subscriber<BusEvent> {
    // A mistake in the pattern shows where it is written, not at the first instance.
    this.#subscriptions.select(selection);
    checkOptions(options, SUBSCRIBE_RULES);
    return decorate((handler, owner) => {
      this.subscribe(selection, handler, owner ? { ...options, owner } : options);
    });
  }

  unsubscribe(query: UnsubscribeQuery): number {
    checkOptions(query, UNSUBSCRIBE_RULES);
    const { handler, topic } = query;
    if (handler === undefined && topic === undefined) return 0;
    return this.#subscriptions.end(
      (entry) =>
        entry.onEnd === undefined &&
        (handler === undefined ? !entry.tap : entry.handler === handler) &&
        (topic === undefined || entry.selector.text === topic),
    );
  }

  publish(first: Publishable, payload?: unknown, options?: PublishOptions): Promise<Delivery> {
    return this.#publisher.publish(first, payload, options);
  }

  publishSync(first: Publishable, payload?: unknown, options?: PublishOptions): number {
    return this.#publisher.publishSync(first, payload, options);
  }

  use(middleware: Middleware, options: MiddlewareOptions = {}): () => void {
    this.#publisher.requireOpen("use middleware");
    if (typeof middleware !== "function")
      throw invalidOption("middleware", middleware, aFunction[1]);
    checkOptions(options, USE_RULES);
    return this.#middleware.add({
      middleware,
      name: middleware.name || "anonymous",
      wants: matcherOf(this.#subscriptions.select(options.topic ?? "**")),
    });
  }

  async waitFor(selection: Selection, options: WaitOptions = {}): Promise<BusEvent> {
    const waiting = waitForEvent(options, (handler, onEnd) => {
      this.#requireOpen("wait for", selection);
      const { where } = options;
      const entry = this.#subscriptions.create(selection, handler, { where, name: "waitFor" });
      entry.onEnd = onEnd;
      this.#subscriptions.open(entry, undefined);
      return entry.subscription;
    });
    this.#waits.add(waiting.reject);
    try {
      return await waiting.promise;
    } finally {
      this.#waits.delete(waiting.reject);
    }
  }

  stream(selection: Selection, options: StreamOptions = {}): BufferedStream {
    const { signal, where, replay } = options;
    this.#requireOpen("stream", selection);
    const entry = this.#subscriptions.create(selection, (event) => stream.push(event), {
      where,
      name: "stream",
    });
    const stream = new BufferedStream({
      ...readStreamOptions(options),
      onDrop: (event) => this.#publisher.drop("stream-overflow", event),
      onClose: () => {
        entry.release();
        this.#streams.delete(stream);
        stopListening?.();
      },
    });
    let stopListening: (() => void) | undefined;
    entry.onEnd = () => stream.end();
    const past = this.#past(entry, replay);
    this.#streams.add(stream);
    this.#subscriptions.open(entry, undefined);
    // The past doesn't go through the buffer: it must not overflow it.
    stream.begin(past.filter((event) => this.#accepts(entry, event)));
    if (signal && entry.active) stopListening = onAbort(signal, () => stream.close());
    return stream;
  }

  getHistory(query: HistoryQuery = {}): BusEvent[] {
    const { limit = DEFAULT_LIMIT } = query;
    return this.#history.newest(this.#wanted(query), limit);
  }

  async replay(handler: Handler, query: ReplayQuery = {}): Promise<number> {
    const entry = this.#subscriptions.create(query.topic ?? "**", handler, {});
    const succeeded = await this.#replay(entry, this.#history.matching(this.#wanted(query)));
    entry.release();
    return succeeded;
  }

  remember(past: PastEvent<Record<string, unknown>, string>): boolean {
    const request = readRequest(past, undefined, undefined);
    const { topic, payload } = request;
    this.#checkName(topic);
    const checked = this.#schemas ? this.#schemas.checkPast(topic, payload) : { value: payload };
    if (!checked) return false;
    // Where it comes from must be said, unlike in a publish. It is part of no handling here.
    validateLineage(past.lineage);
    const event = this.#publisher.begin({ ...request, payload: checked.value }, undefined);
    const kept = this.#history.insert(event);
    if (kept) this.#report.signal("remembered", event);
    return kept;
  }

  /** See {@link linkToQueue}. */
  link(link: QueueLink): () => void {
    return this.#links.add(link);
  }

  hasSubscribers(topic: string): boolean {
    return this.#subscriptions.router.look(topic).some((entry) => entry.active);
  }

  stats(): BusStats {
    return {
      published: this.#subscriptions.router.found,
      delivered: this.#dispatcher.delivered,
      failed: this.#dispatcher.failed,
      dropped: { ...this.#publisher.dropped },
      invalid: this.#schemas?.refused ?? 0,
      subscriptions: this.#subscriptions.counts(),
      history: { size: this.#history.size, capacity: this.#history.capacity },
      routes: this.#subscriptions.router.stats(),
      pending: this.#inFlight.count,
    };
  }

  inspect(): BusSnapshot {
    return {
      id: this.id,
      closed: this.#publisher.closed,
      stats: this.stats(),
      topics: this.#subscriptions.topics(),
      subscriptions: this.#subscriptions.snapshot(),
      deadTopics: this.#publisher.deadTopics.snapshot(),
    };
  }

  async drain(options: { readonly timeoutMs?: number } = {}): Promise<DrainResult> {
    checkOptions(options, CLOSE_RULES);
    return this.#inFlight.drain(options.timeoutMs);
  }

  async close(options: { readonly timeoutMs?: number } = {}): Promise<DrainResult> {
    checkOptions(options, CLOSE_RULES);
    // Before anyone is told: a listener may call close again.
    this.#publisher.close();
    return (this.#closing ??= this.#close(options.timeoutMs ?? CLOSE_TIMEOUT_MS));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(timeoutMs: number): Promise<DrainResult> {
    const closed = new EventBusError(
      "BUS_CLOSED",
      "The bus was closed before the event came. Wait before you close it.",
    );
    for (const reject of this.#waits) reject(closed);
    for (const stream of this.#streams) stream.end();
    // A handler that closes its own bus would wait for itself.
    const current = currentEvent();
    const inside = current instanceof PublishedEvent && current.isRunning;
    const result = await this.#inFlight.drain(inside ? 0 : timeoutMs);
    this.#subscriptions.end(() => true);
    this.#middleware.clear();
    return result;
  }

  /** Calls an entry's handler for past events; resolves to how many succeeded. */
  #replay(entry: Entry, past: readonly PublishedEvent[]): Promise<number> {
    const replayed = new CatchUp(entry, this.#dispatcher).run(past);
    this.#inFlight.track(replayed);
    return replayed;
  }

  /** The past that a subscription asks for. Its `limit` counts before its `where`. */
  #past(entry: Entry, replay: SubscribeOptions["replay"]): PublishedEvent[] {
    if (!replay) return [];
    const options: ReplayOptions = replay === true ? {} : replay;
    checkOptions(options, REPLAY_RULES);
    const { limit = Number.POSITIVE_INFINITY } = options;
    const selected = matcherOf(entry.selector);
    const since = options.since === undefined ? 0 : toMillis(options.since, "since");
    return this.#history
      .newest(
        (event) => event.time >= since && entry.takesFrom(event.source) && selected(event.topic),
        limit,
      )
      .toReversed();
  }

  #accepts(entry: Entry, event: PublishedEvent): boolean {
    try {
      return entry.accepts(event);
    } catch (cause) {
      this.#dispatcher.fail(entry, event, cause);
      return false;
    }
  }

  #wanted(query: HistoryQuery): (event: PublishedEvent) => boolean {
    checkOptions(query, HISTORY_RULES);
    const selected = matcherOf(this.#subscriptions.select(query.topic ?? "**"));
    const since = query.since === undefined ? 0 : toMillis(query.since, "since");
    const until = query.until === undefined ? Infinity : toMillis(query.until, "until");
    return (event) => event.time >= since && event.time <= until && selected(event.topic);
  }

  static {
    inspectAs(this.prototype, (bus) => bus.inspect());
  }

  #requireOpen(what: string, selection: Selection): void {
    this.#publisher.requireOpen(`${what} "${describe(selection)}"`);
  }
}

function describe(selection: Selection): string {
  return typeof selection === "string" ? selection : JSON.stringify(selection);
}
