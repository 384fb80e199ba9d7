import type { AnyContracts, Contracts, EventName, NearNames } from "@ringrift/envelope";

/**
 * A name that the queue has, as it is; in place of any other name a sentence, and the names that are near. These have a
 * question mark, and the union has no name: the compiler would print a name it knows, such as `EventName<…>`. It prints
 * the parts in alphabetical order, so the sentence begins with a quote. In place of a text that is known only at run time
 * stand all names.
 */
export type Sendable<C extends Contracts, S extends string> =
  S extends EventName<C>
    ? S
    : string extends S
      ? EventName<C>
      : `'${S}' isn't an event of this queue. Did you mean` | `${NearNames<EventName<C>, S>}?`;

/** The payload of a name; of a name that the queue doesn't have any, so that one mistake is reported once. */
export type SendablePayload<C extends Contracts, S extends string> =
  S extends EventName<C> ? C[S] : string extends S ? C[EventName<C>] : AnyContracts[string];
