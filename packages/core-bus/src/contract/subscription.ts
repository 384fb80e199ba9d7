import {
  aFlag,
  aFunction,
  aLimit,
  anObject,
  anything,
  aSignal,
  aText,
  type Rules,
} from "./checked.ts";
import type { BusEvent } from "./event.ts";
import { isObject } from "../host/thenable.ts";

/** What is called with an event. What it returns is awaited if it has a `then`, whatever its kind. */
export type Handler<E = BusEvent> = (event: E) => unknown;

/**
 * A subscription, for as long as it is wanted. Call it, dispose of it or abort its signal to end it;
 * doing so twice is fine. After that its handler is not called any more, not even for an event that
 * is being delivered.
 *
 * @example using sub = bus.subscribe("training.*", log); // ends with the block
 */
export interface Subscription extends Disposable {
  (): void;
  /** False once it has ended. */
  readonly active: boolean;
  /** `options.name`, else the handler's own name, else `anonymous`. */
  readonly name: string;
  /** The topic, pattern or RegExp it was made with; `**` for a filter without one. */
  readonly topic: string;
}

/** Which of the past events a subscription gets first. */
export interface ReplayOptions {
  /** Only events from this moment on: a `Date` or milliseconds since the epoch. @default all retained */
  readonly since?: Date | number | undefined;
  /** Only the newest so many of them; counted before `where`. @default no limit */
  readonly limit?: number | undefined;
}

/** When a handler is called, for which events, and how long its subscription lives. */
export interface SubscribeOptions<E = BusEvent> {
  /** Higher ones are called first. @default 0 */
  readonly priority?: number | undefined;
  /** End at the first event. It is claimed before the call: concurrent publishes call it once. @default false */
  readonly once?: boolean | undefined;
  /**
   * Skips events for which it is false. When it throws, that is this subscription's failure.
   * @default every event passes
   */
  readonly where?: ((event: E) => boolean) | undefined;
  /** Ends the subscription when it aborts; aborted already, the subscription begins ended. @default none */
  readonly signal?: AbortSignal | undefined;
  /**
   * The subscription lives as long as this object, which the bus holds weakly, and the handler
   * through it. The handler is called with it as `this` and may refer to it freely.
   * @default none: the subscription lives until it is ended
   */
  readonly owner?: object | undefined;
  /**
   * Call the handler for the retained events first, oldest first, then for what comes: no gap and no
   * duplicate. What is published while it catches up waits behind, in order. @default false
   */
  readonly replay?: boolean | ReplayOptions | undefined;
  /**
   * For bridges and logs: starts before the handlers of its priority and below and holds none of them
   * up; the publish waits for it and reports its failure, but it doesn't count as a handler. `unsubscribe` by
   * topic leaves it. @default false
   */
  readonly tap?: boolean | undefined;
  /** Shown in errors and in `inspect()`. @default the handler's name */
  readonly name?: string | undefined;
}

export const REPLAY_RULES: Rules<ReplayOptions> = { since: anything, limit: aLimit };

export const SUBSCRIBE_RULES: Rules<SubscribeOptions> = {
  priority: [Number.isFinite, "a finite number; higher ones are called first"],
  once: aFlag,
  where: aFunction,
  signal: aSignal,
  owner: anObject,
  replay: [
    (value) => typeof value === "boolean" || isObject(value),
    "true, false or { since, limit }",
  ],
  tap: aFlag,
  name: aText,
};
