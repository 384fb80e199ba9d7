import {
  type Contracts,
  currentEvent,
  currentScope,
  eventClock,
  type EventLineage,
  type EventView,
  MAX_HOPS,
  runWithEvent,
  runWithEventSync,
} from "@ringrift/envelope";
import { handling, publishing } from "#diagnostics";
import type { Delivery } from "../signals/delivery-result.ts";
import type { DeliveryOrder } from "../delivery/delivery-order.ts";
import type { Dispatcher } from "../delivery/dispatcher.ts";
import type { DeliveryWay } from "../delivery/handler-calls.ts";
import type { PublishedEvent } from "../contract/event.ts";
import type { Composed, MiddlewareChain } from "./middleware.ts";
import type { ReadRequest } from "./publish-request.ts";
import type { EventIntake } from "./event-intake.ts";
import type { QueueLinks } from "../contract/queue-link.ts";
import type { FailureReport } from "../signals/failure-report.ts";
import type { Checked, PayloadSchemas } from "./schemas.ts";
import { asPromise } from "../host/thenable.ts";
import { checkOutcome } from "./topic-names.ts";
import type { Router } from "../router/router.ts";
import type { Entry } from "../subscriptions/subscription-entry.ts";
import { tracePublish } from "../delivery/tracing.ts";

export interface GuardedParts {
  /** Id of the bus. */
  readonly id: string;
  readonly delivery: DeliveryOrder;
  readonly events: EventView<Contracts> | undefined;
  readonly schemas: PayloadSchemas | undefined;
  readonly middleware: MiddlewareChain;
  readonly links: QueueLinks;
  readonly router: Router<Entry>;
  readonly dispatcher: Dispatcher;
  readonly report: FailureReport;
}

/** Publishes what comes with options, and whatever schemas, bridges, middleware, tracing or a queue stand before. */
export class GuardedPublisher {
  readonly #intake: EventIntake;
  readonly #parts: GuardedParts;

  constructor(intake: EventIntake, parts: GuardedParts) {
    this.#intake = intake;
    this.#parts = parts;
  }

  /** Whether every publish has to come by here. */
  get guards(): boolean {
    const { schemas, middleware, links } = this.#parts;
    return schemas !== undefined || middleware.composed !== undefined || links.link !== undefined;
  }

  publish(request: ReadRequest): Promise<Delivery> {
    this.#check(request.topic);
    const checked = this.#parts.schemas?.check(request.topic, request.payload);
    if (checked === undefined) return this.#publish(request);
    if (checked instanceof Promise) return this.#publishLater(request, checked);
    return this.#publish({ ...request, payload: checked.value });
  }

  publishSync(request: ReadRequest): number {
    const { topic, payload, options } = request;
    this.#check(topic);
    const checked = this.#parts.schemas?.checkNow(topic, payload);
    const event = this.#take(checked ? { ...request, payload: checked.value } : request);
    if (this.#refuse(event, options?.lineage)) return 0;
    if (event.isRepeated) {
      void this.#intake.repeat(event);
      return 0;
    }
    const { composed } = this.#parts.middleware;
    this.#parts.links.begin(event);
    const deliver = (): number =>
      composed ? this.#passThroughNow(event, composed) : this.#intake.deliverNow(event);
    return publishing.hasSubscribers ? tracePublish(this.#parts.id, event, deliver) : deliver();
  }

  /** Publishes when an asynchronous schema has answered, as part of the handling it was called in. */
  async #publishLater(request: ReadRequest, checked: Promise<Checked>): Promise<Delivery> {
    const cause = currentEvent();
    const { inFlight } = this.#parts.dispatcher;
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
  #check(topic: string): void {
    this.#intake.requireOpen(`publish to "${topic}"`);
    this.#parts.router.check(topic);
  }

  #publish(request: ReadRequest): Promise<Delivery> {
    const event = this.#take(request);
    const dropped = this.#refuse(event, request.options?.lineage);
    if (dropped) return Promise.resolve({ event, delivered: 0, errors: [], dropped });
    const throws = request.options?.onFailure === "throw";
    if (event.isRepeated) {
      const repetition = this.#intake.repeat(event);
      return throws ? repetition.then(throwFailures) : repetition;
    }
    this.#parts.links.begin(event);
    const isTraced = handling.hasSubscribers;
    const way = {
      order: request.options?.delivery ?? this.#parts.delivery,
      isTraced,
      isDirect: !isTraced && event.handling === undefined,
      failuresThrown: throws,
    };
    const { composed } = this.#parts.middleware;
    const deliver = (): Promise<Delivery> =>
      composed ? this.#passThrough(event, way, composed) : this.#intake.deliver(event, way);
    const delivery = publishing.hasSubscribers
      ? tracePublish(this.#parts.id, event, deliver)
      : deliver();
    return throws ? delivery.then(throwFailures) : delivery;
  }

  /** Makes the event of a request. The bus may have been closed while a schema was waited for. */
  #take(request: ReadRequest): PublishedEvent {
    this.#intake.requireOpen(`publish to "${request.topic}"`);
    checkOutcome(request.topic, request.payload, this.#parts.events);
    eventClock.tick();
    const event = this.#intake.begin(request, currentEvent());
    this.#identify(event, request);
    return event;
  }

  /** What the handler of a queue's event publishes has the same id at each attempt; see `DeliveryScope`. */
  #identify(event: PublishedEvent, { topic, payload, options }: ReadRequest): void {
    const { link } = this.#parts.links;
    if (options?.repeated) event.isRepeated = true;
    if (link === undefined) return;
    if (options?.lineage === undefined) {
      const { metadata, source, correlationId } = options ?? {};
      const content = { payload, metadata, source, correlationId };
      const child = currentScope()?.child(link.typeOf(topic), content);
      if (child !== undefined) {
        event.identify(child);
        event.isRepeated = !link.takes(child.id);
      }
    }
    link.sees(event);
  }

  /** Drops what a bridge should not have brought. */
  #refuse(event: PublishedEvent, lineage: EventLineage | undefined): Delivery["dropped"] {
    if (!lineage) return undefined;
    const echo = lineage.via.includes(this.#parts.id);
    if (!echo && lineage.via.length < MAX_HOPS) return undefined;
    const reason = echo ? "echo" : "hop-limit";
    this.#intake.drop(reason, event);
    return reason;
  }

  /** Publishes through the middleware, which may wait, refuse, or keep the event back. */
  async #passThrough(
    event: PublishedEvent,
    way: DeliveryWay,
    composed: Composed,
  ): Promise<Delivery> {
    let delivery: Promise<Delivery> | undefined;
    this.#parts.dispatcher.hold(event);
    try {
      await runWithEvent(event, () =>
        composed(event, async () => {
          delivery = this.#intake.deliver(event, way);
          await delivery;
        }),
      );
      if (delivery) return await delivery;
    } finally {
      this.#parts.dispatcher.letGo(event);
    }
    this.#intake.drop("vetoed", event);
    return { event, delivered: 0, errors: [], dropped: "vetoed" };
  }

  /** The same for `publishSync`: asynchronous middleware is followed to its end, and may deliver later. */
  #passThroughNow(event: PublishedEvent, composed: Composed): number {
    const { dispatcher, report } = this.#parts;
    let called: number | undefined;
    const end = (): void => {
      dispatcher.letGo(event);
      if (called === undefined) this.#intake.drop("vetoed", event);
    };
    dispatcher.hold(event);
    let work: Promise<unknown> | undefined;
    try {
      const result = runWithEventSync(event, () =>
        composed(event, async () => {
          called = this.#intake.deliverNow(event);
        }),
      );
      work = asPromise(result);
    } catch (cause) {
      dispatcher.letGo(event);
      throw cause;
    }
    if (work) {
      work.then(end, (cause: unknown) => {
        report.middlewareFailed(event, cause);
        dispatcher.letGo(event);
      });
    } else end();
    return called ?? 0;
  }
}

function throwFailures(delivery: Delivery): Delivery {
  const { errors, event } = delivery;
  if (errors.length === 0) return delivery;
  const message = `${errors.length} of the handlers of "${event.topic}" failed; the others ran.`;
  throw Object.assign(new AggregateError(errors, message), { code: "HANDLER_FAILED" });
}
