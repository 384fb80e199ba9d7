import type { Subscriber } from "./bus.ts";
import type { BusEvent } from "./event.ts";
import type { Handler } from "./subscription.ts";

/** Makes the decorator of `bus.subscriber()`; `subscribe` makes the subscription, with an owner or without. */
export function decorate(
  subscribe: (handler: Handler, owner: object | undefined) => void,
): Subscriber<BusEvent> {
  return (handler, context) => {
    if (!context) {
      subscribe(handler, undefined);
      return handler;
    }
    context.addInitializer(function () {
      // Asked of the instance, so that a method overridden in a subclass is the one that is called.
      subscribe(context.access.get(this), this);
    });
    return handler;
  };
}
