import type { Contracts, EventView } from "@ringrift/envelope";
import { EventBusError } from "./errors.ts";
import { checkTopic } from "./router/grammar.ts";
import type { PayloadSchemas } from "./schemas.ts";

/**
 * Checks that a name is a topic of the bus. Only without a catalogue do schemas say which there are; with
 * neither, a bus has any.
 *
 * @throws EventBusError `INVALID_TOPIC`, `WRONG_NAME`, `UNKNOWN_TOPIC`
 */
export function checkTopicName(
  topic: string,
  events: EventView<Contracts> | undefined,
  schemas: PayloadSchemas | undefined,
): void {
  checkTopic(topic);
  if (!events) {
    if (schemas && !schemas.has(topic)) throw schemas.unknownTopic(topic);
    return;
  }
  if (events.names.has(topic)) return;
  const canonical = events.canonical(topic);
  if (canonical === undefined || canonical === topic) return;
  throw new EventBusError(
    "WRONG_NAME",
    `"${topic}" is another bus's name of this event. Its topic on this bus is "${canonical}".`,
  );
}
