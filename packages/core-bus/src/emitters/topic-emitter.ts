import type { AnyContracts, Contracts, EventName } from "@ringrift/envelope";
import type { EventEmitter } from "eventemitter3";
import type { EventBus } from "../bus/bus.ts";
import { BusEmitter } from "./bus-emitter.ts";
import type { BusEvent } from "../contract/event.ts";
import type { PatternText, TopicsMatching } from "../topics/topics.ts";

/** The event map that an eventemitter3 of a bus has: a topic's payload is its one argument. */
export type EmitterEvents<C extends Contracts> =
  string extends EventName<C>
    ? string
    : { [K in EventName<C>]: undefined extends C[K] ? [payload?: C[K]] : [payload: C[K]] };

/** What the listener of an event or of a pattern is called with. */
export type EmitterArguments<E extends EventEmitter.ValidEventTypes, S extends string> =
  S extends EventEmitter.EventNames<E>
    ? EventEmitter.EventArgs<E, S>
    : E extends object
      ? ArgumentsOfEach<E, TopicsMatching<E, S>>
      : unknown[];

type ArgumentsOfEach<E extends EventEmitter.ValidEventTypes, K> =
  K extends EventEmitter.EventNames<E> ? EventEmitter.EventArgs<E, K> : never;

/**
 * An eventemitter3 whose events are the topics of a bus: `emit` is the bus's `publishSync`, a
 * listener is a subscription. `on`, `once` and `off` take patterns, too.
 *
 * It keeps eventemitter3's contract (contexts, `once`, the same listener twice, `off` with its flags,
 * chaining) but for what a bus does better:
 *
 * - A listener that throws or rejects stops nobody: its failure goes to the bus's `onError`, and
 *   `emit` doesn't throw it. A promise that a listener returns is awaited by `publish` and `drain`.
 * - A listener removed during an `emit` isn't called any more.
 * - A `once` listener is spent by its own call alone. In eventemitter3 one call removes all `once` listeners of
 *   the same function, those that have not been called among them.
 * - Names are topics: a symbol, a number, `""` or `"a:b"` is refused with `INVALID_TOPIC`; one with wildcards is a
 *   pattern to listen to, and can't be emitted.
 * - `emit` says whether any handler was called, of this emitter or of the bus, and throws what
 *   `publishSync` throws (a closed bus, a schema, publishes nested too deep).
 * - An argument that is `undefined` and the only one is no argument.
 * - `eventNames` has the order of the first listeners, also for names that are numbers.
 * - `removeAllListeners("")` removes nothing: only a missing name stands for all.
 * - The bus ends listeners, too (`unsubscribe`, `close`), and warns of very many of one name.
 * - Methods have to be called on it: taken from it they don't work on other objects, and `_events` is empty.
 *
 * `eventNames`, `listeners`, `listenerCount` and `removeAllListeners` are about the listeners of this
 * emitter, by the names or patterns they were added under; `bus.hasSubscribers(topic)` asks for all.
 */
export interface TopicEmitter<
  E extends EventEmitter.ValidEventTypes = string,
> extends EventEmitter<E> {
  /**
   * The event that a listener is being called for, e.g. to ask a pattern's listener for its topic;
   * `undefined` outside of a listener and after its first `await`.
   */
  readonly event: BusEvent | undefined;

  on<T extends EventEmitter.EventNames<E>>(
    event: T,
    fn: EventEmitter.EventListener<E, T>,
    context?: unknown,
  ): this;
  on<P extends PatternText>(
    pattern: P,
    fn: (...args: EmitterArguments<E, P>) => void,
    context?: unknown,
  ): this;

  addListener<T extends EventEmitter.EventNames<E>>(
    event: T,
    fn: EventEmitter.EventListener<E, T>,
    context?: unknown,
  ): this;
  addListener<P extends PatternText>(
    pattern: P,
    fn: (...args: EmitterArguments<E, P>) => void,
    context?: unknown,
  ): this;

  once<T extends EventEmitter.EventNames<E>>(
    event: T,
    fn: EventEmitter.EventListener<E, T>,
    context?: unknown,
  ): this;
  once<P extends PatternText>(
    pattern: P,
    fn: (...args: EmitterArguments<E, P>) => void,
    context?: unknown,
  ): this;

  off<T extends EventEmitter.EventNames<E>>(
    event: T,
    fn?: EventEmitter.EventListener<E, T>,
    context?: unknown,
    once?: boolean,
  ): this;
  off<P extends PatternText>(
    pattern: P,
    fn?: (...args: EmitterArguments<E, P>) => void,
    context?: unknown,
    once?: boolean,
  ): this;

  removeListener<T extends EventEmitter.EventNames<E>>(
    event: T,
    fn?: EventEmitter.EventListener<E, T>,
    context?: unknown,
    once?: boolean,
  ): this;
  removeListener<P extends PatternText>(
    pattern: P,
    fn?: (...args: EmitterArguments<E, P>) => void,
    context?: unknown,
    once?: boolean,
  ): this;

  removeAllListeners(event?: EventEmitter.EventNames<E> | PatternText): this;
  listenerCount(event: EventEmitter.EventNames<E> | PatternText): number;
}

/** Event maps that an emitter of this bus may be given: the payload first, more arguments after it. */
export type EmitterEventsOf<C extends Contracts> =
  string extends EventName<C>
    ? EventEmitter.ValidEventTypes
    : {
        [K in EventName<C>]?:
          | [payload?: C[K], ...more: unknown[]]
          | ((payload: C[K], ...more: never[]) => void);
      };

/**
 * The bus as an eventemitter3, so that code written for one gains patterns, history and isolation by
 * changing its constructor. Publishes on the bus reach its listeners; what it emits reaches the bus.
 *
 * With several arguments the first is the event's payload, and the others are its
 * `metadata.moreArguments`, for handlers of the bus and in the history.
 *
 * Each call makes another emitter with listeners of its own; all of them hear the same events. It
 * keeps nothing alive and needs no closing: without listeners nothing of it is left in the bus.
 *
 * @example
 * const events = toEventEmitter(bus);
 * events.on("order.*", (order) => console.log(events.event?.topic, order));
 * events.emit("order.placed", { id: "A-1" }); // true
 */
export function toEventEmitter<
  C extends Contracts = AnyContracts,
  E extends EmitterEventsOf<C> = EmitterEvents<C>,
>(bus: EventBus<C>): TopicEmitter<E> {
  // As with the bus itself, names and payloads are typed on the outside only.
  return new BusEmitter(bus) as unknown as TopicEmitter<E>;
}
