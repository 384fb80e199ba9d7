import type { BusEvent } from "../contract/event.ts";
import type { Handler } from "../contract/subscription.ts";

/**
 * Subscribes what it is given. On a method, as a standard decorator, it subscribes each instance,
 * which is the owner; on a plain function, that function. Returns it unchanged.
 */
export type Subscriber<E> = <This extends object, H extends (this: This, event: E) => unknown>(
  handler: H,
  context?: ClassMethodDecoratorContext<This, H>,
) => H;

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
