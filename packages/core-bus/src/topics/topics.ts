import type { AnyContracts, Contracts, EventName, NearNames } from "@ringrift/envelope";
import type { BusEvent } from "../contract/event.ts";
import type { IsOpen, MatchingNames } from "./pattern-types.ts";
import type { TopicFilter } from "./selector.ts";

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

/**
 * The topics that a pattern matches, by the rules by which the bus delivers; `never` when it can
 * match none. A topic with placeholders (`user.${string}`) is among them when it may match.
 *
 * @example type Found = TopicsMatching<Topics, "training.*">; // "training.started" | "training.completed"
 */
export type TopicsMatching<C extends Contracts, P extends string> =
  string extends EventName<C>
    ? EventName<C>
    : MatchingNames<EventName<C>, P> extends infer Topic extends EventName<C>
      ? Topic
      : never;

/**
 * The event that a handler of a topic or pattern gets. For a text that is known only at run time it
 * is any of the bus's events; for one that no topic matches, which is an error already, an untyped
 * one, so that one mistake is reported once.
 */
export type EventFor<C extends Contracts, S extends string> = S extends PatternText
  ? [TopicsMatching<C, S>] extends [never]
    ? EventOf<AnyContracts>
    : EventOf<C, TopicsMatching<C, S>>
  : S extends EventName<C>
    ? BusEvent<S, C[S]>
    : IsOpen<S> extends true
      ? EventOf<C>
      : EventOf<AnyContracts>;

/** A topic of the bus, or a pattern. */
export type TopicOrPattern<C extends Contracts> = EventName<C> | PatternText;

/** A topic of the bus, a list of them, `**` for all, or a filter: what needs no look at a pattern. */
export type TopicSelection<C extends Contracts, K extends EventName<C>> =
  | K
  | readonly K[]
  | "**"
  | (TopicFilter<K, EventFor<C, K>> & NoRegExp);

/** A filter for any of the bus's topics. */
export type AnyFilter<C extends Contracts> = TopicFilter<EventName<C>, EventOf<C>> & NoRegExp;

/** A RegExp has a `source`, too, but is no filter: it belongs into one, as its `topicPattern`. */
interface NoRegExp {
  readonly exec?: never;
}

/**
 * A topic or pattern that may match, as it is. In place of any other text stands a sentence: the
 * compiler prints the type that it expected, and so tells what is wrong and which topics are near.
 */
export type Selectable<C extends Contracts, S extends string> =
  string extends EventName<C>
    ? S
    : S extends EventName<C>
      ? S
      : IsOpen<S> extends true
        ? "Only known at run time: pass it to subscribePattern(), or as { topicPattern } in a filter"
        : S extends PatternText
          ? [TopicsMatching<C, S>] extends [never]
            ? `No topic of this bus matches the pattern '${S}'`
            : S
          : `This bus has no topic '${S}'. Did you mean` | `${NearNames<EventName<C>, S>}?`;

/** The payload of a topic; of a name that isn't one any, so that one mistake is reported once. */
export type PayloadFor<C extends Contracts, S extends string> =
  S extends EventName<C> ? C[S] : string extends S ? C[EventName<C>] : AnyContracts[string];

/**
 * A topic that the bus has, as it is; in place of any other name a sentence, and the topics that are near. These have a
 * question mark, and the union has no name: the compiler would print a name it knows, such as `EventName<…>`. In place of
 * a text that is known only at run time stand all topics.
 */
export type Publishable<C extends Contracts, S extends string> =
  S extends EventName<C>
    ? S
    : string extends S
      ? EventName<C>
      : `This bus has no topic '${S}'. Did you mean` | `${NearNames<EventName<C>, S>}?`;
