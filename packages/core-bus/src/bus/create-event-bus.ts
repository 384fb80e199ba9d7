import type { AnyContracts, Contracts } from "@ringrift/envelope";
import type { EventBus } from "./bus.ts";
import type { EventBusOptions } from "./options.ts";
import type { PayloadsOf, Repeatable, SchemaMap } from "../publishing/schemas.ts";
import { TopicBus } from "./topic-bus.ts";

/** Options whose `schemas` say which topics there are. */
export type SchemaBusOptions<S extends SchemaMap> = Omit<
  EventBusOptions<PayloadsOf<S>>,
  "events" | "schemas"
> & {
  /** Must be left out: `schemas` says which topics there are. @default none */
  readonly events?: undefined;
  readonly schemas: S & Repeatable<S>;
};

/**
 * Makes a bus. Its types come from `events` (a catalogue's topics), from `schemas` or from the type
 * argument; without any of them every topic and payload will do.
 *
 * @throws EventBusError `INVALID_OPTION`; for a topic of `schemas` that is none, `INVALID_TOPIC` or `WRONG_NAME`
 * @example const bus = createEventBus<{ "order.placed": { cents: number } }>();
 * @example const bus = createEventBus({ schemas: { "order.placed": z.object({ cents: z.int() }) } });
 */
export function createEventBus<Topics extends Contracts = AnyContracts>(
  options?: EventBusOptions<Topics>,
): EventBus<Topics>;
export function createEventBus<S extends SchemaMap>(
  options: SchemaBusOptions<S>,
): EventBus<PayloadsOf<S>>;
export function createEventBus(options: EventBusOptions<Contracts> = {}): EventBus {
  return new TopicBus(options);
}
