import type { Contracts, EventName } from "@ringrift/envelope";
import type { BusEvent } from "./event.ts";

/** A text with wildcard characters: what makes a pattern of it rather than the name of a topic. */
export type PatternText =
  | `${string}*${string}`
  | `${string}?${string}`
  | `${string}[${string}`
  | `${string}{${string}`;

/** The event of a topic; for several topics their union, discriminated by `topic`. */
export type EventOf<C extends Contracts, K extends EventName<C> = EventName<C>> = {
  [T in K]: BusEvent<T, C[T]>;
}[K];

/** The topics that a pattern can match: exact for `prefix.*` and `prefix.**`, all for other shapes. */
export type TopicsMatching<C extends Contracts, P extends string> =
  string extends EventName<C>
    ? EventName<C>
    : P extends `${infer Prefix}.**`
      ? Prefix extends PatternText
        ? EventName<C>
        : Extract<EventName<C>, Prefix | `${Prefix}.${string}`>
      : P extends `${infer Prefix}.*`
        ? Prefix extends PatternText
          ? EventName<C>
          : Exclude<Extract<EventName<C>, `${Prefix}.${string}`>, `${Prefix}.${string}.${string}`>
        : EventName<C>;

/** The event that a handler of a topic or pattern gets. */
export type EventFor<C extends Contracts, S extends string> = S extends PatternText
  ? EventOf<C, TopicsMatching<C, S>>
  : S extends EventName<C>
    ? BusEvent<S, C[S]>
    : never;

/** A topic of the bus, or a pattern. */
export type TopicOrPattern<C extends Contracts> = EventName<C> | PatternText;
