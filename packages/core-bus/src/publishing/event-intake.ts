import {
  type Contracts,
  type EventLineage,
  type EventView,
  nodeId,
  validateLineage,
} from "@ringrift/envelope";
import { handling } from "#diagnostics";
import { EventBusError } from "../contract/errors.ts";
import { type Birthplace, birthplaceOf, type BusEvent, PublishedEvent } from "../contract/event.ts";
import type { Dispatcher } from "../delivery/dispatcher.ts";
import type { DeliveryWay } from "../delivery/handler-calls.ts";
import type { History } from "../reading/history.ts";
import type { Route, Router } from "../router/router.ts";
import type { Delivery, DropReason } from "../signals/delivery-result.ts";
import type { FailureReport } from "../signals/failure-report.ts";
import { TopicCounts } from "../signals/topic-counts.ts";
import { type Entry, learned } from "../subscriptions/subscription-entry.ts";
import type { ReadRequest } from "./publish-request.ts";
import { checkOutcome } from "./topic-names.ts";

/** Topics of a chain that is too deep, in its error. */
const SHOWN_DEPTH = 8;
/** Topics nobody listens to that are remembered for `inspect()`. */
const DEAD_TOPICS = 100;

export interface IntakeParts {
  /** Id of the bus. */
  readonly id: string;
  readonly events: EventView<Contracts> | undefined;
  readonly maxDepth: number;
  readonly maxCausalDepth: number;
  readonly router: Router<Entry>;
  readonly history: History;
  readonly dispatcher: Dispatcher;
  readonly report: FailureReport;
}

/** Takes events in: gives them their identity, keeps them in the history, and has them delivered. */
export class EventIntake {
  readonly #parts: IntakeParts;
  protected readonly router: Router<Entry>;
  protected readonly history: History;
  protected readonly dispatcher: Dispatcher;
  protected readonly birthplace: Birthplace;
  readonly dropped: Record<DropReason, number> = {
    duplicate: 0,
    echo: 0,
    "hop-limit": 0,
    "stream-overflow": 0,
    vetoed: 0,
  };
  readonly deadTopics: TopicCounts = new TopicCounts(DEAD_TOPICS);
  closed = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.router = parts.router;
    this.history = parts.history;
    this.dispatcher = parts.dispatcher;
    this.birthplace = birthplaceOf(nodeId(), Object.freeze([parts.id]));
  }

  /** Counts and tells of an event that is not delivered. */
  drop(reason: DropReason, event: BusEvent): void {
    this.dropped[reason] += 1;
    this.#parts.report.signal("dropped", { reason, event });
  }

  requireOpen(what: string): void {
    if (!this.closed) return;
    throw new EventBusError("BUS_CLOSED", `Cannot ${what}: the bus is closed. Create a new one.`);
  }

  /** Makes an event of what its publisher said; `outer` is the one in whose handling it was said. */
  begin({ topic, payload, options }: ReadRequest, outer: EventLineage | undefined): PublishedEvent {
    const lineage = options?.lineage && validateLineage(options.lineage);
    const event = this.make(topic, payload, outer, lineage !== undefined);
    // What is said overrides what is inherited.
    if (options) event.describe(options);
    if (lineage) event.become(lineage, this.#parts.id);
    return event;
  }

  /** Makes an event, in the handling of another or not; one that is carried has its cause already. */
  // oxlint-disable-next-line eslint/max-params -- hot path: each publish would make one more object
  protected make(
    topic: string,
    payload: unknown,
    outer: EventLineage | undefined,
    isCarried?: boolean,
  ): PublishedEvent {
    const event = new PublishedEvent(topic, payload, this.birthplace);
    if (outer !== undefined) this.nest(event, outer, isCarried);
    return event;
  }

  /** Few publishes are nested: what the others need is small enough for the engine to see all of it at once. */
  protected nest(event: PublishedEvent, outer: EventLineage, isCarried?: boolean): void {
    event.nestIn(outer);
    if (event.nesting() >= this.#parts.maxDepth) throw tooDeep(event, this.#parts.maxDepth);
    if (isCarried) return;
    const depth = event.inherit(outer);
    if (depth > this.#parts.maxCausalDepth) throw tooManyCauses(event, this.#parts.maxCausalDepth);
  }

  /** Refuses an event of the wrong outcome as if its route had not been found. */
  protected judge({ topic, payload }: PublishedEvent): void {
    try {
      checkOutcome(topic, payload, this.#parts.events);
    } catch (cause) {
      this.router.found -= 1;
      throw cause;
    }
  }

  /** Remembers that nobody listened; returns how many did. */
  #dead(event: PublishedEvent): 0 {
    this.deadTopics.count(event.topic);
    this.#parts.report.signal("dead", event);
    return 0;
  }

  /** `route`: the one of its topic, where it has been looked up. */
  deliver(
    event: PublishedEvent,
    way: DeliveryWay,
    route: Route<Entry> = this.router.find(event.topic),
  ): Promise<Delivery> {
    if (this.history.capacity > 0) this.history.push(event);
    if (route.length > 0) return this.dispatcher.deliver(event, route, way);
    return Promise.resolve({ event, delivered: this.#dead(event), errors: [] });
  }

  /** Apart from `publishSync`, so that V8 spends all it inlines there on what most publishes need. */
  deliverNow(event: PublishedEvent, route: Route<Entry> = this.router.find(event.topic)): number {
    if (this.history.capacity > 0) this.history.push(event);
    if (route.length === 0) return this.#dead(event);
    const before = learned;
    const called = this.dispatcher.deliverNow(event, route.entries, handling.hasSubscribers);
    if (learned !== before) this.router.renew(event.topic, route);
    return called;
  }

  /** Shows an event that this bus has had to the bridges alone: it may not have got yet to where it was to go. */
  repeat(event: PublishedEvent): Promise<Delivery> {
    this.drop("duplicate", event);
    return this.dispatcher.tell(event, this.router.look(event.topic));
  }
}

function tooManyCauses(event: PublishedEvent, maxCausalDepth: number): EventBusError {
  return new EventBusError(
    "CAUSAL_DEPTH_EXCEEDED",
    `"${event.topic}" would lie ${event.depth} handlers behind the first event of its trail ("${event.correlationId}"); maxCausalDepth is ${maxCausalDepth}. Handlers probably answer each other: stop one, or raise maxCausalDepth.`,
  );
}

function tooDeep(event: PublishedEvent, maxDepth: number): EventBusError {
  const chain = Array.from(event.unfinished(), ({ topic }) => topic).slice(0, SHOWN_DEPTH);
  return new EventBusError(
    "DEPTH_EXCEEDED",
    `Publishing "${event.topic}" would nest more than ${maxDepth} unfinished publishes (innermost first: ${chain.join(" ← ")} ← …). Handlers probably publish to each other: stop one, or raise maxDepth.`,
  );
}
