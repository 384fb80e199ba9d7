/**
 * Event name → payload type: what buses, queues and the catalogue share. An interface, a type or a
 * catalogue's view will do.
 *
 * @example interface Topics { "order.placed": { id: string; cents: number } }
 */
export type Contracts = object;

/**
 * The contracts of a bus or queue nobody typed: any name, any payload, as with `JSON.parse`.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- an untyped bus gives untyped payloads
export type AnyContracts = Record<string, any>;

/** The names of a contract. */
export type EventName<C extends Contracts> = keyof C & string;

/**
 * For compile messages: the names that a misspelt one may mean, which share its first word or the rest of it; every name
 * when none does.
 *
 * @example type Near = NearNames<"order.placed" | "order.paid" | "user.left", "order.plcaed">; // "order.placed" | "order.paid"
 */
export type NearNames<Names extends string, S extends string> = [Related<Names, S>] extends [never]
  ? Names
  : Related<Names, S>;

type Related<Names extends string, S extends string> = S extends `${infer First}.${infer Rest}`
  ? Extract<Names, `${First}.${string}` | `${string}.${Rest}`>
  : S extends `${infer First}_${infer Rest}`
    ? Extract<Names, `${First}_${string}` | `${string}_${Rest}`>
    : never;

/** The payload of a name. */
export type PayloadOf<C extends Contracts, K extends EventName<C>> = C[K];

declare const contracts: unique symbol;

/**
 * The names of one bus as a value: what a catalogue gives to `createEventBus({ events })`, to a queue
 * and to a stage bus. It carries the payload types, and knows which name was meant when somebody uses
 * another bus's spelling.
 */
export interface EventView<C extends Contracts> {
  readonly kind: "topics" | "queue" | "stages";
  readonly names: ReadonlySet<string>;
  /** This bus's spelling of a name that belongs to another bus; `undefined` when it is unknown. */
  canonical(name: string): string | undefined;
  /**
   * The name under which an event of this name goes on when it has failed; `undefined` where it has no other, as on the
   * stage bus.
   */
  failureOf?(name: string): string | undefined;
  /** Exists in types only. */
  readonly [contracts]?: C;
}
