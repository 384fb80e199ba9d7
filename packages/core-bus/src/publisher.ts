import {
  currentEvent,
  enterEventSync,
  eventClock,
  type EventLineage,
  leaveEventSync,
  MAX_HOPS,
  nodeId,
  runWithEvent,
  runWithEventSync,
  validateLineage,
} from "@ringrift/envelope";
import { handling, isTraced, publishing } from "#diagnostics";
import type { Delivery, DropReason } from "./delivery.ts";
import type { DeliveryOrder, DeliveryWay, Dispatcher } from "./dispatch.ts";
import { isObject } from "./thenable.ts";
import { changes, type Entry } from "./entry.ts";
import { EventBusError } from "./errors.ts";
import { type Birthplace, type BusEvent, PublishedEvent } from "./event.ts";
import type { History } from "./history.ts";
import type { Link, MiddlewareChain } from "./middleware.ts";
import { type Publishable, type PublishOptions, type ReadRequest, readRequest } from "./publish.ts";
import type { Route, Router } from "./router/router.ts";
import type { Checked, PayloadSchemas } from "./schemas.ts";
import type { FailureReport } from "./report.ts";
import { asPromise } from "./thenable.ts";
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
  readonly order: DeliveryOrder;
  readonly schemas: PayloadSchemas | undefined;
  readonly router: Router<Entry>;
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
  readonly #router: Router<Entry>;
  readonly #history: History;
  readonly #middleware: MiddlewareChain;
  readonly #dispatcher: Dispatcher;
  readonly #report: FailureReport;
  readonly #birthplace: Birthplace;
  readonly #usualWay: DeliveryWay;
  readonly dropped: Record<DropReason, number> = {
    echo: 0,
    "hop-limit": 0,
    "stream-overflow": 0,
    vetoed: 0,
  };
  readonly deadTopics: TopicCounts = new TopicCounts(DEAD_TOPICS);
  published = 0;
  #closed = false;
  /** Whether there is nothing between a publish and its handlers. */
  #isPlain = false;

  constructor(parts: PublisherParts) {
    this.#id = parts.id;
    this.#maxDepth = parts.maxDepth;
    this.#schemas = parts.schemas;
    this.#router = parts.router;
    this.#history = parts.history;
    this.#middleware = parts.middleware;
    this.#dispatcher = parts.dispatcher;
    this.#report = parts.report;
    this.#usualWay = { order: parts.order, isTraced: false, failuresThrown: false };
    this.#look();
    this.#birthplace = { origin: nodeId(), via: Object.freeze([parts.id]) };
  }

  /** Refuses everything from now on. */
  close(): void {
    this.#closed = true;
    this.#look();
  }

  /** Adds middleware; returns what removes it. */
  use(link: Link): () => void {
    const remove = this.#middleware.add(link);
    this.#look();
    return () => {
      remove();
      this.#look();
    };
  }

  #look(): void {
    this.#isPlain = !this.#closed && !this.#schemas && !this.#middleware.composed;
  }

  publish(
    first: Publishable,
    payload: unknown,
    options: PublishOptions | undefined,
  ): Promise<Delivery> {
    try {
      if (options !== undefined || !this.#isPlain || typeof first !== "string" || isTraced()) {
        return this.#publishChecked(readRequest(first, payload, options));
      }
      const route = this.#router.find(first);
      eventClock.tick();
      const event = this.#begin(first, payload, undefined);
      this.#admit(event, route);
      if (route.entries.length === 0) return Promise.resolve({ event, delivered: 0, errors: [] });
      return this.#dispatcher.deliver(event, route, this.#usualWay);
    } catch (cause) {
      return Promise.reject(cause);
    }
  }

  /**
   * Calls all handlers now; returns how many. What most publishes need is in this one function, where the
   * engine can see all of it; what few need is called from it.
   */
  publishSync(first: Publishable, payload: unknown, options: PublishOptions | undefined): number {
    if (options !== undefined || !this.#isPlain || typeof first !== "string" || isTraced()) {
      let request = readRequest(first, payload, options);
      if (this.#schemas) {
        const { topic } = request;
        this.#checkPlace(topic);
        request = { ...request, payload: this.#schemas.checkNow(topic, request.payload).value };
      }
      return this.#publishSync(request);
    }
    const route = this.#router.find(first);
    eventClock.tickQuickly();
    const event = new PublishedEvent(first, payload, this.#birthplace);
    const cause = currentEvent();
    if (cause !== undefined) this.#nest(event, cause);
    this.#admit(event, route);
    const dispatcher = this.#dispatcher;
    const { entries, handlers } = route;
    const before = changes;
    let direct = 0;
    let special = 0;
    const outer = enterEventSync(event);
    event.begin();
    for (let index = 0; index < handlers.length; index += 1) {
      const handler = handlers[index];
      if (handler === undefined || changes !== before) {
        special += dispatcher.callNow(entries[index]!, event, false);
        continue;
      }
      direct += 1;
      try {
        const result = handler(event);
        if (isObject(result)) dispatcher.follow(entries[index]!, event, result);
      } catch (cause) {
        dispatcher.delivered -= 1;
        dispatcher.fail(entries[index]!, event, cause);
      }
    }
    event.finish();
    leaveEventSync(outer);
    dispatcher.delivered += direct;
    return direct + special;
  }

  /** The event of a past that a bridge brings. */
  recall({ topic, payload, options }: ReadRequest, lineage: EventLineage): PublishedEvent {
    const event = new PublishedEvent(topic, payload, this.#birthplace);
    if (options) event.describe(options);
    event.become(lineage, this.passedHere(lineage));
    return event;
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
    this.#router.find(topic);
  }

  #publish(request: ReadRequest): Promise<Delivery> {
    const event = this.#take(request);
    const dropped = this.#refuse(event, request.options?.lineage);
    if (dropped) return Promise.resolve({ event, delivered: 0, errors: [], dropped });
    const throws = request.options?.onFailure === "throw";
    const way = {
      order: request.options?.delivery ?? this.#usualWay.order,
      isTraced: handling.hasSubscribers,
      failuresThrown: throws,
    };
    const deliver = (): Promise<Delivery> =>
      this.#middleware.composed ? this.#passThrough(event, way) : this.#deliver(event, way);
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
    this.#router.find(topic);
    eventClock.tick();
    if (!options?.lineage) return this.#begin(topic, payload, options);
    return this.#begin(topic, payload, { ...options, lineage: validateLineage(options.lineage) });
  }

  #begin(topic: string, payload: unknown, options: PublishOptions | undefined): PublishedEvent {
    const event = new PublishedEvent(topic, payload, this.#birthplace);
    const cause = currentEvent();
    const lineage = options?.lineage;
    if (cause !== undefined) this.#nest(event, cause, lineage !== undefined);
    if (options) event.describe(options);
    if (lineage) event.become(lineage, this.passedHere(lineage));
    return event;
  }

  /** Makes an event part of the handling of another; one that is carried has its cause already. */
  #nest(event: PublishedEvent, outer: EventLineage, isCarried = false): void {
    event.nestIn(outer);
    if (!isCarried) event.inherit(outer);
    if (event.depth() >= this.#maxDepth) throw tooDeep(event, this.#maxDepth);
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
  #admit(event: PublishedEvent, { handlers }: Route<Entry>): void {
    this.published += 1;
    if (this.#history.capacity > 0) this.#history.push(event);
    if (handlers.length > 0) return;
    this.deadTopics.count(event.topic);
    this.#report.signal("dead", event);
  }

  #deliver(event: PublishedEvent, way: DeliveryWay): Promise<Delivery> {
    const route = this.#router.find(event.topic);
    this.#admit(event, route);
    if (route.entries.length === 0) return Promise.resolve({ event, delivered: 0, errors: [] });
    return this.#dispatcher.deliver(event, route, way);
  }

  #deliverNow(event: PublishedEvent): number {
    const route = this.#router.find(event.topic);
    this.#admit(event, route);
    return this.#dispatcher.deliverNow(event, route.entries, handling.hasSubscribers);
  }

  /** Publishes through the middleware, which may wait, refuse, or keep the event back. */
  async #passThrough(event: PublishedEvent, way: DeliveryWay): Promise<Delivery> {
    let delivery: Promise<Delivery> | undefined;
    const { composed } = this.#middleware;
    this.#hold(event);
    try {
      await runWithEvent(event, () =>
        composed?.(event, async () => {
          delivery = this.#deliver(event, way);
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
