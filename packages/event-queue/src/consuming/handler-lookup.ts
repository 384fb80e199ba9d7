import type { AnyContracts, Contracts, EventName } from "@ringrift/envelope";
import type { EventHandler, EventHandlers } from "../contract/consumer.ts";
import type { ConsumerMiddlewares } from "./middleware-chain.ts";

/** For backends: what a consumer does with its events. */
export interface ConsumerWork<
  C extends Contracts = AnyContracts,
  K extends EventName<C> = EventName<C>,
> {
  /** One for all types, or one per type. */
  readonly handlers: EventHandler<C, K> | EventHandlers<C>;
  /** What stands around each of them. */
  readonly middlewares?: ConsumerMiddlewares | undefined;
}

/** Finds a type's handler, with the middleware around it; `undefined` when this member has none. */
export type HandlerLookup = (type: string) => EventHandler | undefined;

/** By the queue's contract an event's payload is the one that the handler of its type is written for. */
export function handlerLookup<C extends Contracts, K extends EventName<C>>({
  handlers,
  middlewares,
}: ConsumerWork<C, K>): HandlerLookup {
  const bare = bareLookup(handlers);
  return (type) => {
    const handler = bare(type);
    return handler === undefined ? undefined : (middlewares?.around(handler) ?? handler);
  };
}

function bareLookup<C extends Contracts, K extends EventName<C>>(
  handlers: EventHandler<C, K> | EventHandlers<C>,
): HandlerLookup {
  if (typeof handlers === "function") {
    // The cast is safe: see above.
    const handler = handlers as EventHandler;
    return () => handler;
  }
  // The cast is safe: see above.
  const byType = new Map(Object.entries(handlers) as [string, EventHandler][]);
  return (type) => byType.get(type);
}
