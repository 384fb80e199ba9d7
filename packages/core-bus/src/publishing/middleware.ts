import { EventBusError } from "../contract/errors.ts";
import type { BusEvent, PublishedEvent } from "../contract/event.ts";
import { asPromise } from "../host/thenable.ts";

/**
 * Stands between a publish and its delivery. Calling `next` delivers; it resolves when all handlers
 * have settled, in a `publishSync` when they have been called. Without a call of `next` the event is
 * vetoed: nobody gets it, it is not in the history, and it counts as dropped, `vetoed`. What a
 * middleware throws, the publisher gets. Replays and histories don't come by here.
 *
 * @example
 * bus.use(async (event, next) => {
 *   const began = performance.now();
 *   await next();
 *   console.log(event.topic, performance.now() - began);
 * });
 */
export type Middleware<E = BusEvent> = (event: E, next: () => Promise<void>) => unknown;

/** For which events a middleware is called. */
export interface MiddlewareOptions {
  /** For events of this topic or pattern only. @default all */
  readonly topic?: string | undefined;
}

/** All middleware as one function. The result is what the outermost one gives. */
export type Composed = (event: PublishedEvent, deliver: () => Promise<void>) => unknown;

interface Link {
  readonly middleware: Middleware<PublishedEvent>;
  readonly name: string;
  readonly wants: (topic: string) => boolean;
}

const DELIVERED = Promise.resolve();

/** The middleware of a bus, composed once per change: the first one that was added is the outermost. */
export class MiddlewareChain {
  readonly #links = new Set<Link>();
  /** `undefined` when there is none. */
  composed: Composed | undefined;
  /** Called when `composed` has changed. */
  onChange: () => void = () => {};

  /** Adds one; returns what removes it. */
  add(link: Link): () => void {
    this.#links.add(link);
    this.#compose();
    return () => {
      if (this.#links.delete(link)) this.#compose();
    };
  }

  clear(): void {
    this.#links.clear();
    this.#compose();
  }

  #compose(): void {
    this.composed = [...this.#links].reduceRight<Composed | undefined>(
      (inner, link) => around(link, inner ?? ((_event, deliver) => deliver())),
      undefined,
    );
    this.onChange();
  }
}

function around(link: Link, inner: Composed): Composed {
  const { middleware, name, wants } = link;
  return (event, deliver) => {
    if (!wants(event.topic)) return inner(event, deliver);
    let state: "waiting" | "passed" | "over" = "waiting";
    const next = (): Promise<void> => {
      if (state !== "waiting") throw misuse(name, event.topic, state);
      state = "passed";
      return asPromise(inner(event, deliver))?.then(nothing) ?? DELIVERED;
    };
    const end = (): void => {
      if (state === "waiting") state = "over";
    };
    let work: Promise<unknown> | undefined;
    try {
      work = asPromise(middleware(event, next));
    } catch (cause) {
      end();
      throw cause;
    }
    if (work) return work.finally(end);
    return end();
  };
}

function nothing(): void {}

function misuse(name: string, topic: string, state: "passed" | "over"): EventBusError {
  const what =
    state === "passed"
      ? "has called next() twice"
      : "has called next() after it had ended, when the event was already vetoed";
  return new EventBusError(
    "MIDDLEWARE_MISUSE",
    `Middleware "${name}" ${what}, for an event "${topic}". Call it once, before the middleware returns or its promise settles.`,
  );
}
