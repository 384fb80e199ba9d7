import { currentEvent, enterEventSync, eventClock, leaveEventSync } from "@ringrift/envelope";
import { isTraced } from "#diagnostics";
import { PublishedEvent } from "../contract/event.ts";
import type { DeliveryWay } from "../delivery/handler-calls.ts";
import { isObject } from "../host/thenable.ts";
import type { Delivery } from "../signals/delivery-result.ts";
import { changes } from "../subscriptions/subscription-entry.ts";
import { EventIntake, type IntakeParts } from "./event-intake.ts";
import { type GuardedParts, GuardedPublisher } from "./guarded-publisher.ts";
import { type Publishable, type PublishOptions, readRequest } from "./publish-request.ts";

/** What calls of `publish` go through: at once where nothing stands before the handlers, else by the guarded way. */
export class Publisher extends EventIntake {
  readonly #usualWay: DeliveryWay;
  readonly #guarded: GuardedPublisher;
  /** Whether there is nothing between a publish and its handlers. */
  #isPlain = false;

  constructor(parts: IntakeParts & GuardedParts) {
    super(parts);
    this.#usualWay = {
      order: parts.delivery,
      isTraced: false,
      isDirect: true,
      failuresThrown: false,
    };
    this.#guarded = new GuardedPublisher(this, parts);
    parts.middleware.onChange = () => this.#look();
    parts.links.onChange = () => this.#look();
    this.#look();
  }

  /** Refuses everything from now on. */
  close(): void {
    this.closed = true;
    this.#look();
  }

  #look(): void {
    this.#isPlain = !this.closed && !this.#guarded.guards;
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
      const event = this.make(first, payload, currentEvent());
      const route = this.router.find(first);
      if (route.isJudged) this.judge(event);
      return this.deliver(event, this.#usualWay, route);
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
    const event = new PublishedEvent(first, payload, this.birthplace);
    const nestedIn = currentEvent();
    if (nestedIn !== undefined) this.nest(event, nestedIn);
    const route = this.router.find(first);
    if (!route.isPlain) {
      if (route.isJudged) this.judge(event);
      return this.deliverNow(event, route);
    }
    const history = this.history;
    if (history.capacity > 0) history.push(event);
    const { length } = route;
    const dispatcher = this.dispatcher;
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
}
