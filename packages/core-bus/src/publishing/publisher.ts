import {
  type Contracts,
  currentEvent,
  enterEventSync,
  eventClock,
  type EventLineage,
  type EventView,
  leaveEventSync,
  nodeId,
  validateLineage,
} from "@ringrift/envelope";
import { handling, isTraced } from "#diagnostics";
import type { Delivery, DropReason } from "../signals/delivery-result.ts";
import type { DeliveryWay, Dispatcher } from "../delivery/dispatcher.ts";
import { changes, type Entry, learned } from "../subscriptions/subscription-entry.ts";
import { EventBusError } from "../contract/errors.ts";
import { type Birthplace, birthplaceOf, type BusEvent, PublishedEvent } from "../contract/event.ts";
import { type GuardedParts, GuardedPublisher } from "./guarded-publisher.ts";
import type { History } from "../reading/history.ts";
import {
  type Publishable,
  type PublishOptions,
  type ReadRequest,
  readRequest,
} from "./publish-request.ts";
import type { FailureReport } from "../signals/failure-report.ts";
import type { Route, Router } from "../router/router.ts";
import { isObject } from "../host/thenable.ts";
import { TopicCounts } from "../signals/topic-counts.ts";
import { checkOutcome } from "./topic-names.ts";

/** Topics of a chain that is too deep, in its error. */
const SHOWN_DEPTH = 8;
/** Topics nobody listens to that are remembered for `inspect()`. */
const DEAD_TOPICS = 100;

export interface PublisherParts extends GuardedParts {
  readonly maxDepth: number;
  readonly maxCausalDepth: number;
  readonly router: Router<Entry>;
  readonly history: History;
}

/** Takes events in: gives them their identity and has them delivered. */
export class Publisher {
  readonly #id: string;
  readonly #maxDepth: number;
  readonly #maxCausalDepth: number;
  readonly #events: EventView<Contracts> | undefined;
  readonly #router: Router<Entry>;
  readonly #history: History;
  readonly #dispatcher: Dispatcher;
  readonly #report: FailureReport;
  readonly #birthplace: Birthplace;
  readonly #usualWay: DeliveryWay;
  readonly #guarded: GuardedPublisher;
  readonly dropped: Record<DropReason, number> = {
    duplicate: 0,
    echo: 0,
    "hop-limit": 0,
    "stream-overflow": 0,
    vetoed: 0,
  };
  readonly deadTopics: TopicCounts = new TopicCounts(DEAD_TOPICS);
  #closed = false;
  /** Whether there is nothing between a publish and its handlers. */
  #isPlain = false;

  constructor(parts: PublisherParts) {
    this.#id = parts.id;
    this.#maxDepth = parts.maxDepth;
    this.#maxCausalDepth = parts.maxCausalDepth;
    this.#events = parts.events;
    this.#router = parts.router;
    this.#history = parts.history;
    this.#dispatcher = parts.dispatcher;
    this.#report = parts.report;
    this.#usualWay = {
      order: parts.delivery,
      isTraced: false,
      isDirect: true,
      failuresThrown: false,
    };
    this.#birthplace = birthplaceOf(nodeId(), Object.freeze([parts.id]));
    this.#guarded = new GuardedPublisher(this, parts);
    parts.middleware.onChange = () => this.#look();
    parts.links.onChange = () => this.#look();
    this.#look();
  }

  /** Refuses everything from now on. */
  close(): void {
    this.#closed = true;
    this.#look();
  }

  #look(): void {
    this.#isPlain = !this.#closed && !this.#guarded.guards;
  }

  publish(
    first: Publishable,
    payload: unknown,
    options: PublishOptions | undefined,
  ): Promise<Delivery> {
    try {
      if (options !== undefined || !this.#isPlain || typeof first !== "string" || isTraced()) {
        return this.#guarded.publish(readRequest(first, payload, options));
      }
      eventClock.tick();
      const event = this.#make(first, payload, currentEvent());
      const route = this.#router.find(first);
      if (route.isJudged) this.#judge(event);
      return this.#deliver(event, route, this.#usualWay);
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
      return this.#guarded.publishSync(readRequest(first, payload, options));
    }
    eventClock.tickQuickly();
    const event = new PublishedEvent(first, payload, this.#birthplace);
    const nestedIn = currentEvent();
    if (nestedIn !== undefined) this.#nest(event, nestedIn, false);
    const route = this.#router.find(first);
    if (!route.isPlain) {
      if (route.isJudged) this.#judge(event);
      return this.#deliverNow(event, route);
    }
    const history = this.#history;
    if (history.capacity > 0) history.push(event);
    const { length } = route;
    const dispatcher = this.#dispatcher;
    const before = changes;
    let called = length;
    let index = 0;
    let handler = route.first;
    const outer = enterEventSync(event);
    event.begin();
    for (;;) {
      if (handler === undefined || changes !== before) {
        called -= dispatcher.callLate(route.entries[index]!, event);
      } else {
        try {
          const result = handler(event);
          if (isObject(result)) dispatcher.follow(route.entries[index]!, event, result);
        } catch (cause) {
          dispatcher.delivered -= 1;
          dispatcher.fail(route.entries[index]!, event, cause);
        }
      }
      index += 1;
      if (index === length) break;
      handler = route.handlers[index];
    }
    event.finish();
    leaveEventSync(outer);
    dispatcher.delivered += length;
    return called;
  }

  /** Counts and tells of an event that is not delivered. */
  drop(reason: DropReason, event: BusEvent): void {
    this.dropped[reason] += 1;
    this.#report.signal("dropped", { reason, event });
  }

  requireOpen(what: string): void {
    if (!this.#closed) return;
    throw new EventBusError("BUS_CLOSED", `Cannot ${what}: the bus is closed. Create a new one.`);
  }

  /** Makes an event of what its publisher said; `outer` is the one in whose handling it was said. */
  begin({ topic, payload, options }: ReadRequest, outer: EventLineage | undefined): PublishedEvent {
    const lineage = options?.lineage && validateLineage(options.lineage);
    const event = this.#make(topic, payload, outer, lineage !== undefined);
    // What is said overrides what is inherited.
    if (options) event.describe(options);
    if (lineage) event.become(lineage, this.#id);
    return event;
  }

  /** Throws on what is no topic of this bus. */
  checkTopic(topic: string): void {
    this.#router.check(topic);
  }

  /** Events that were taken in. */
  get published(): number {
    return this.#router.found;
  }

  /** Makes an event, in the handling of another or not; one that is carried has its cause already. */
  #make(
    topic: string,
    payload: unknown,
    outer: EventLineage | undefined,
    isCarried = false,
  ): PublishedEvent {
    const event = new PublishedEvent(topic, payload, this.#birthplace);
    if (outer !== undefined) this.#nest(event, outer, isCarried);
    return event;
  }

  /** Few publishes are nested: what the others need is small enough for the engine to see all of it at once. */
  #nest(event: PublishedEvent, outer: EventLineage, isCarried: boolean): void {
    event.nestIn(outer);
    if (event.nesting() >= this.#maxDepth) throw tooDeep(event, this.#maxDepth);
    if (isCarried) return;
    const depth = event.inherit(outer);
    if (depth > this.#maxCausalDepth) throw tooManyCauses(event, this.#maxCausalDepth);
  }

  /** Refuses an event of the wrong outcome as if its route had not been found. */
  #judge({ topic, payload }: PublishedEvent): void {
    try {
      checkOutcome(topic, payload, this.#events);
    } catch (cause) {
      this.#router.found -= 1;
      throw cause;
    }
  }

  /** Remembers that nobody listened; returns how many did. */
  #dead(event: PublishedEvent): 0 {
    this.deadTopics.count(event.topic);
    this.#report.signal("dead", event);
    return 0;
  }

  deliver(event: PublishedEvent, way: DeliveryWay): Promise<Delivery> {
    return this.#deliver(event, this.#router.find(event.topic), way);
  }

  #deliver(event: PublishedEvent, route: Route<Entry>, way: DeliveryWay): Promise<Delivery> {
    if (this.#history.capacity > 0) this.#history.push(event);
    if (route.length > 0) return this.#dispatcher.deliver(event, route, way);
    return Promise.resolve({ event, delivered: this.#dead(event), errors: [] });
  }

  deliverNow(event: PublishedEvent): number {
    return this.#deliverNow(event, this.#router.find(event.topic));
  }

  /** Apart from `publishSync`, so that V8 spends all it inlines there on what most publishes need. */
  #deliverNow(event: PublishedEvent, route: Route<Entry>): number {
    if (this.#history.capacity > 0) this.#history.push(event);
    if (route.length === 0) return this.#dead(event);
    const before = learned;
    const called = this.#dispatcher.deliverNow(event, route.entries, handling.hasSubscribers);
    if (learned !== before) this.#router.renew(event.topic, route);
    return called;
  }

  /** Shows an event that this bus has had to the bridges alone: it may not have got yet to where it was to go. */
  repeat(event: PublishedEvent): Promise<Delivery> {
    this.drop("duplicate", event);
    return this.#dispatcher.tell(event, this.#router.look(event.topic));
  }
}

function tooManyCauses(event: PublishedEvent, maxCausalDepth: number): EventBusError {
  return new EventBusError(
    "CAUSAL_DEPTH_EXCEEDED",
    `"${event.topic}" would lie ${event.depth} handlers behind the first event of its trail ("${event.correlationId}"); maxCausalDepth is ${maxCausalDepth}. Handlers probably answer each other without an end: have one of them stop, or raise maxCausalDepth if the trail is meant to be so long.`,
  );
}

function tooDeep(event: PublishedEvent, maxDepth: number): EventBusError {
  const chain = Array.from(event.unfinished(), ({ topic }) => topic).slice(0, SHOWN_DEPTH);
  return new EventBusError(
    "DEPTH_EXCEEDED",
    `Publishing "${event.topic}" would nest more than ${maxDepth} unfinished publishes (innermost first: ${chain.join(" ← ")} ← …). Two handlers probably publish to each other; raise maxDepth if they mean to.`,
  );
}
