import type { AnyContracts, Contracts } from "@ringrift/envelope";
import type { DeliveryContext, EventHandler } from "./consumer.ts";
import { QueueError } from "./errors.ts";
import type { QueueEvent } from "./events.ts";
import { invalidOption, show } from "./options.ts";

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

/** For backends: the middleware of one instance, around the handlers of all its consumers. */
export class ConsumerMiddlewares {
  readonly #added = new Set<{ readonly middleware: ConsumerMiddleware }>();

  /**
   * Adds one, inside of those added before; returns what removes it.
   *
   * @throws QueueError `INVALID_OPTION`
   */
  add(middleware: ConsumerMiddleware): () => void {
    if (typeof middleware !== "function") {
      throw invalidOption(
        `Middleware is ${show(middleware)}. Give a function (event, context, next) => ….`,
      );
    }
    // An object of its own: a function that was added twice is there twice.
    const link = { middleware };
    this.#added.add(link);
    return () => {
      this.#added.delete(link);
    };
  }

  /** The handler with everything that stands around it now. */
  around(handler: EventHandler): EventHandler {
    if (this.#added.size === 0) return handler;
    return [...this.#added].reduceRight<EventHandler>(
      (inner, { middleware }) => wrap(middleware, inner),
      handler,
    );
  }
}

function wrap(middleware: ConsumerMiddleware, inner: EventHandler): EventHandler {
  return async (event, context) => {
    let state: "waiting" | "called" | "over" = "waiting";
    const next = async (): Promise<void> => {
      if (state !== "waiting") throw misuse(middleware, event, state);
      state = "called";
      await inner(event, context);
    };
    try {
      await middleware(event, context, next);
    } finally {
      if (state === "waiting") state = "over";
    }
  };
}

function misuse(
  middleware: ConsumerMiddleware,
  event: QueueEvent,
  state: "called" | "over",
): QueueError {
  const what =
    state === "called" ? "has called next() twice" : "has called next() after it had ended";
  return new QueueError(
    "MIDDLEWARE_MISUSE",
    `Middleware "${middleware.name}" of the queue ${what}, for an event "${event.type}". Call it once and await it.`,
  );
}
