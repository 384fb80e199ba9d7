import { enterEventSync, leaveEventSync, runWithEvent } from "@ringrift/envelope";
import type { PublishedEvent } from "../contract/event.ts";
import { isObject } from "../host/thenable.ts";
import type { Route } from "../router/router.ts";
import type { Delivery } from "../signals/delivery-result.ts";
import type { HandlerError } from "../signals/handler-error.ts";
import { changes, type Entry } from "../subscriptions/subscription-entry.ts";
import { type DeliveryWay, HandlerCalls } from "./handler-calls.ts";
import { RunningDelivery } from "./running-delivery.ts";

/** Delivers events: calls the handlers of each whatever the others do, and awaits only thenables. */
export class Dispatcher extends HandlerCalls {
  /**
   * Calls the handlers in the event's context, which is entered once for all of them. The first has started
   * when this returns.
   */
  deliver(event: PublishedEvent, route: Route<Entry>, way: DeliveryWay): Promise<Delivery> {
    return runWithEvent(event, () => this.#deliver(event, route, way));
  }

  /** Most handlers have ended when they return: only from the first other one on is there a state to keep. */
  #deliver(event: PublishedEvent, route: Route<Entry>, way: DeliveryWay): Promise<Delivery> {
    const { handlers } = route;
    const { isDirect } = way;
    const before = changes;
    let running: RunningDelivery | undefined;
    this.hold(event);
    let index = 0;
    for (; index < handlers.length; index += 1) {
      const handler = handlers[index];
      if (handler === undefined || changes !== before || !isDirect) break;
      let result: unknown;
      try {
        result = handler(event);
      } catch (cause) {
        running ??= new RunningDelivery(this, event, route, way, index);
        running.fail(index, cause);
        continue;
      }
      if (running === undefined) {
        if (!isObject(result)) continue;
        running = new RunningDelivery(this, event, route, way, index);
      }
      if (running.take(index, result)) return running.end();
    }
    if (running === undefined) {
      if (index === handlers.length) return Promise.resolve(this.end(event, index, undefined));
      running = new RunningDelivery(this, event, route, way, index);
    }
    running.walk(index);
    return running.end();
  }

  /** Calls the taps among the subscriptions of an event, and nobody else. */
  async tell(event: PublishedEvent, entries: readonly Entry[]): Promise<Delivery> {
    const errors: HandlerError[] = [];
    this.hold(event);
    await runWithEvent(event, () =>
      Promise.all(
        entries.map(async (entry) => {
          if (!entry.tap) return;
          try {
            await entry.take(event);
          } catch (cause) {
            errors.push(this.fail(entry, event, cause));
          }
        }),
      ),
    );
    this.letGo(event);
    return { event, delivered: 0, errors, dropped: "duplicate" };
  }

  /** Calls all handlers now; returns how many. */
  deliverNow(event: PublishedEvent, entries: readonly Entry[], isTraced: boolean): number {
    let called = 0;
    const outer = enterEventSync(event);
    event.begin();
    for (const entry of entries) called += this.callNow(entry, event, isTraced);
    event.finish();
    leaveEventSync(outer);
    return called;
  }
}
