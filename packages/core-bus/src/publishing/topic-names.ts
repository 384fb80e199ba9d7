import { type Contracts, type EventView, outcomeProblem } from "@ringrift/envelope";
import { EventBusError } from "../contract/errors.ts";
import { checkTopic } from "../router/grammar.ts";
import type { PayloadSchemas } from "./schemas.ts";

/**
 * Checks that an event doesn't say that it failed under a topic that means success.
 *
 * @throws EventBusError `WRONG_OUTCOME`
 */
export function checkOutcome(
  topic: string,
  payload: unknown,
  events: EventView<Contracts> | undefined,
): void {
  const problem = outcomeProblem(events, topic, payload);
  if (problem !== undefined) throw new EventBusError("WRONG_OUTCOME", problem);
}

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
