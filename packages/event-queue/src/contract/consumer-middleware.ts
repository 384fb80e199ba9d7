import type { AnyContracts, Contracts } from "@ringrift/envelope";
import type { DeliveryContext } from "./consumer.ts";
import type { QueueEvent } from "./events.ts";

/**
 * Stands between a consumer and its handlers. `next` runs the handler, and resolves when it is done; what the
 * handler throws, `next` rejects with. Without a call of `next` the handler doesn't run and the event is acked.
 * What a middleware throws is the failure of this attempt. Children sent in it are the event's, as in a handler.
 *
 * @example
 * queue.use(async (event, { attempt }, next) => {
 *   const began = performance.now();
 *   await next();
 *   console.log(event.type, attempt, performance.now() - began);
 * });
 */
export type ConsumerMiddleware<C extends Contracts = AnyContracts> = (
  event: QueueEvent<C>,
  context: DeliveryContext,
  next: () => Promise<void>,
) => unknown;
