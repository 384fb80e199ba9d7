import {
  currentEvent,
  eventClock,
  type EventLineage,
  MAX_HOPS,
  runWithEvent,
  runWithEventSync,
  validateLineage,
} from "@ringrift/envelope";
import { publishing } from "#diagnostics";
import type { Delivery, DropReason } from "./delivery.ts";
import type { Dispatcher } from "./dispatch.ts";
import { EventBusError } from "./errors.ts";
import { type BusEvent, PublishedEvent } from "./event.ts";
import type { History } from "./history.ts";
import type { MiddlewareChain } from "./middleware.ts";
import { type Publishable, type PublishOptions, type ReadRequest, readRequest } from "./publish.ts";
import type { SubscriptionRegistry } from "./registry.ts";
import type { Checked, PayloadSchemas } from "./schemas.ts";
import { asPromise, type FailureReport } from "./report.ts";
import { tracePublish } from "./tracing.ts";
import { TopicCounts } from "./topic-counts.ts";

/** Topics of a chain that is too deep, in its error. */
const SHOWN_DEPTH = 8;
/** Topics nobody listens to that are remembered for `inspect()`. */
const DEAD_TOPICS = 100;

export interface PublisherParts {
  /** Id of the bus. */
  readonly id: string;
  readonly maxDepth: number;
  readonly schemas: PayloadSchemas | undefined;
  readonly subscriptions: SubscriptionRegistry;
  readonly history: History;
  readonly middleware: MiddlewareChain;
  readonly dispatcher: Dispatcher;
  readonly report: FailureReport;
}

/** Takes events in: gives them their identity, leads them through the middleware, and has them delivered. */
export class Publisher {
  readonly #id: string;
  readonly #maxDepth: number;
  readonly #schemas: PayloadSchemas | undefined;
  readonly #subscriptions: SubscriptionRegistry;
  readonly #history: History;
  readonly #middleware: MiddlewareChain;
  readonly #dispatcher: Dispatcher;
  readonly #report: FailureReport;
  readonly #via: readonly string[];
  readonly dropped: Record<DropReason, number> = {
    echo: 0,
    "hop-limit": 0,
    "stream-overflow": 0,
    vetoed: 0,
  };
  readonly deadTopics: TopicCounts = new TopicCounts(DEAD_TOPICS);
  published = 0;
  #closed = false;

  constructor(parts: PublisherParts) {
    this.#id = parts.id;
    this.#maxDepth = parts.maxDepth;
    this.#schemas = parts.schemas;
    this.#subscriptions = parts.subscriptions;
    this.#history = parts.history;
    this.#middleware = parts.middleware;
    this.#dispatcher = parts.dispatcher;
    this.#report = parts.report;
    this.#via = Object.freeze([parts.id]);
  }

  /** Refuses everything from now on. */
  close(): void {
    this.#closed = true;
  }

  publish(
    first: Publishable,
    payload: unknown,
    options: PublishOptions | undefined,
  ): Promise<Delivery> {
    try {
      if (!this.#isSimple(first, options)) {
        return this.#publishChecked(readRequest(first, payload, options));
      }
      const route = this.#subscriptions.find(first);
      eventClock.tick();
      const event = this.#begin(first, payload, undefined);
      this.#admit(event, route.length);
      if (route.length === 0) return Promise.resolve({ event, delivered: 0, errors: [] });
      return this.#dispatcher.deliver(event, route, false);
    } catch (cause) {
      return Promise.reject(cause);
    }
  }

  publishSync(first: Publishable, payload: unknown, options: PublishOptions | undefined): number {
    if (!this.#isSimple(first, options)) {
      let request = readRequest(first, payload, options);
      if (this.#schemas) {
        const { topic } = request;
        this.#checkPlace(topic);
        request = { ...request, payload: this.#schemas.checkNow(topic, request.payload).value };
      }
      return this.#publishSync(request);
    }
    const route = this.#subscriptions.find(first);
    eventClock.tickQuickly();
    const event = this.#begin(first, payload, undefined);
    this.#admit(event, route.length);
    return route.length === 0 ? 0 : this.#dispatcher.deliverNow(event, route);
  }

  /** Counts and tells of an event that is not delivered. */
  drop(reason: DropReason, event: BusEvent): void {
    this.dropped[reason] += 1;
    this.#report.signal("dropped", { reason, event });
  }

  /** The buses that an event has passed, this one included. */
  passedHere(lineage: EventLineage): readonly string[] {
    return lineage.via.includes(this.#id) ? lineage.via : [...lineage.via, this.#id];
  }

  requireOpen(what: string): void {
    if (!this.#closed) return;
    throw new EventBusError("BUS_CLOSED", `Cannot ${what}: the bus is closed. Create a new one.`);
  }

  /** Whether there is nothing to do but to deliver. */
  #isSimple(first: Publishable, options: PublishOptions | undefined): first is string {
    return (
      options === undefined &&
      typeof first === "string" &&
      !this.#closed &&
      this.#schemas === undefined &&
      this.#middleware.composed === undefined &&
      !publishing.hasSubscribers
    );
  }

  #publishChecked(request: ReadRequest): Promise<Delivery> {
    if (!this.#schemas) return this.#publish(request);
    this.#checkPlace(request.topic);
    const checked = this.#schemas.check(request.topic, request.payload);
    if (checked instanceof Promise) return this.#publishLater(request, checked);
    return this.#publish({ ...request, payload: checked.value });
  }

  /** Publishes when an asynchronous schema has answered, as part of the handling it was called in. */
  async #publishLater(request: ReadRequest, checked: Promise<Checked>): Promise<Delivery> {
    const cause = currentEvent();
    const { inFlight } = this.#dispatcher;
    let delivery: Promise<Delivery>;
    inFlight.begin();
    try {
      const valid = { ...request, payload: (await checked).value };
      delivery = cause ? runWithEvent(cause, () => this.#publish(valid)) : this.#publish(valid);
    } finally {
      inFlight.end();
    }
    return delivery;
  }

  /** Mistakes in the call come before those in its payload. */
  #checkPlace(topic: string): void {
    this.requireOpen(`publish to "${topic}"`);
    this.#subscriptions.find(topic);
  }

  #publish(request: ReadRequest): Promise<Delivery> {
    const event = this.#take(request);
    const dropped = this.#refuse(event, request.options?.lineage);
    if (dropped) return Promise.resolve({ event, delivered: 0, errors: [], dropped });
    const throws = request.options?.onFailure === "throw";
    const deliver = (): Promise<Delivery> =>
      this.#middleware.composed ? this.#passThrough(event, throws) : this.#deliver(event, throws);
    const delivery = publishing.hasSubscribers ? tracePublish(this.#id, event, deliver) : deliver();
    return throws ? delivery.then(throwFailures) : delivery;
  }

  #publishSync(request: ReadRequest): number {
    const event = this.#take(request);
    if (this.#refuse(event, request.options?.lineage)) return 0;
    const deliver = (): number =>
      this.#middleware.composed ? this.#passThroughNow(event) : this.#deliverNow(event);
    return publishing.hasSubscribers ? tracePublish(this.#id, event, deliver) : deliver();
  }

  /** Makes the event of a request: name checked, identity given. */
  #take({ topic, payload, options }: ReadRequest): PublishedEvent {
    this.requireOpen(`publish to "${topic}"`);
    this.#subscriptions.find(topic);
    eventClock.tick();
    if (!options?.lineage) return this.#begin(topic, payload, options);
    return this.#begin(topic, payload, { ...options, lineage: validateLineage(options.lineage) });
  }

  #begin(topic: string, payload: unknown, options: PublishOptions | undefined): PublishedEvent {
    const cause = currentEvent();
    const via = options?.lineage ? this.passedHere(options.lineage) : this.#via;
    const event = new PublishedEvent(topic, payload, via, cause, options);
    if (cause !== undefined && event.depth() >= this.#maxDepth)
      throw tooDeep(event, this.#maxDepth);
    return event;
  }

  /** Drops what a bridge should not have brought. */
  #refuse(event: PublishedEvent, lineage: EventLineage | undefined): Delivery["dropped"] {
    if (!lineage) return undefined;
    const echo = lineage.via.includes(this.#id);
    if (!echo && lineage.via.length < MAX_HOPS) return undefined;
    const reason = echo ? "echo" : "hop-limit";
    this.drop(reason, event);
    return reason;
  }

  /** Counts an event, and writes it to the history in the same step in which its route is found. */
  #admit(event: PublishedEvent, handlers: number): void {
    this.published += 1;
    this.#history.push(event);
    if (handlers > 0) return;
    this.deadTopics.count(event.topic);
    this.#report.signal("dead", event);
  }

  #deliver(event: PublishedEvent, failuresThrown: boolean): Promise<Delivery> {
    const route = this.#subscriptions.find(event.topic);
    this.#admit(event, route.length);
    if (route.length === 0) return Promise.resolve({ event, delivered: 0, errors: [] });
    return this.#dispatcher.deliver(event, route, failuresThrown);
  }

  #deliverNow(event: PublishedEvent): number {
    const route = this.#subscriptions.find(event.topic);
    this.#admit(event, route.length);
    return route.length === 0 ? 0 : this.#dispatcher.deliverNow(event, route);
  }

  /** Publishes through the middleware, which may wait, refuse, or keep the event back. */
  async #passThrough(event: PublishedEvent, failuresThrown: boolean): Promise<Delivery> {
    let delivery: Promise<Delivery> | undefined;
    const { composed } = this.#middleware;
    this.#hold(event);
    try {
      await runWithEvent(event, () =>
        composed?.(event, async () => {
          delivery = this.#deliver(event, failuresThrown);
          await delivery;
        }),
      );
      if (delivery) return await delivery;
    } finally {
      this.#letGo(event);
    }
    this.drop("vetoed", event);
    return { event, delivered: 0, errors: [], dropped: "vetoed" };
  }

  /** The same for `publishSync`: asynchronous middleware is followed to its end, and may deliver later. */
  #passThroughNow(event: PublishedEvent): number {
    let called: number | undefined;
    this.#hold(event);
    let work: Promise<unknown> | undefined;
    try {
      work = asPromise(
        runWithEventSync(event, () =>
          this.#middleware.composed?.(event, () => {
            called = this.#deliverNow(event);
            return Promise.resolve();
          }),
        ),
      );
    } finally {
      if (!work) this.#letGo(event);
    }
    if (!work && called === undefined) this.drop("vetoed", event);
    work?.then(
      () => {
        if (called === undefined) this.drop("vetoed", event);
        this.#letGo(event);
      },
      (cause: unknown) => {
        this.#report.middlewareFailed(event, cause);
        this.#letGo(event);
      },
    );
    return called ?? 0;
  }

  #hold(event: PublishedEvent): void {
    event.begin();
    this.#dispatcher.inFlight.begin();
  }

  #letGo(event: PublishedEvent): void {
    event.finish();
    this.#dispatcher.inFlight.end();
  }
}

function throwFailures(delivery: Delivery): Delivery {
  const { errors, event } = delivery;
  if (errors.length === 0) return delivery;
  const message = `${errors.length} of the handlers of "${event.topic}" failed; the others ran.`;
  throw Object.assign(new AggregateError(errors, message), { code: "HANDLER_FAILED" });
}

function tooDeep(event: PublishedEvent, maxDepth: number): EventBusError {
  const chain = Array.from(event.unfinished(), ({ topic }) => topic).slice(0, SHOWN_DEPTH);
  return new EventBusError(
    "DEPTH_EXCEEDED",
    `Publishing "${event.topic}" would nest more than ${maxDepth} unfinished publishes (innermost first: ${chain.join(" ← ")} ← …). Two handlers probably publish to each other; raise maxDepth if they mean to.`,
  );
}
