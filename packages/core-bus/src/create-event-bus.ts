import type { AnyContracts, Contracts } from "@ringrift/envelope";
import type { EventBus } from "./bus.ts";
import type { EventBusOptions } from "./options.ts";
import { TopicBus } from "./topic-bus.ts";

/**
 * Makes a bus. Its types come from `events` (a catalogue's topics) or from the type argument; without
 * either any topic and payload will do.
 *
 * @throws EventBusError `INVALID_OPTION`
 * @example const bus = createEventBus<{ "order.placed": { cents: number } }>();
 */
export function createEventBus<Topics extends Contracts = AnyContracts>(
  options: EventBusOptions<Topics> = {},
): EventBus<Topics> {
  // The engine knows topics and payloads as they are at run time; the contracts exist in types only.
  return new TopicBus(options) as unknown as EventBus<Topics>;
}
