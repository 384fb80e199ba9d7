import type { EventHandler } from "../contract/consumer.ts";
import type { ConsumerMiddleware } from "../contract/consumer-middleware.ts";
import { QueueError } from "../failures/errors.ts";
import type { QueueEvent } from "../contract/events.ts";
import { invalidOption, show } from "../checking/check-options.ts";

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
