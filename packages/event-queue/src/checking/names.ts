import type { Contracts, EventView } from "@ringrift/envelope";
import { QueueError } from "../failures/errors.ts";
import { nearestName } from "./nearest-name.ts";
import { invalidOption, show } from "./check-options.ts";

const EVENT_TYPE = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
const GROUP_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:/@-]{0,127}$/;

/**
 * Checks an event type: 1 to 128 letters, digits, `_`, `-` and `.`, beginning with a letter. With a
 * catalogue's view it must be one of its names; the message has the right spelling, or the nearest.
 *
 * @throws QueueError `INVALID_TYPE`
 * @example checkEventType("TRAINING_COMPLETED") // "TRAINING_COMPLETED"
 */
export function checkEventType(type: unknown, view?: EventView<Contracts>): string {
  if (typeof type !== "string" || !EVENT_TYPE.test(type)) {
    throw new QueueError(
      "INVALID_TYPE",
      `Event type ${show(type)} is malformed. Give 1 to 128 letters, digits, "_", "-" or ".", beginning with a letter, e.g. "ORDER_PLACED".`,
    );
  }
  if (view !== undefined && !view.names.has(type)) {
    const right = view.canonical(type);
    if (right !== undefined && right !== type) {
      throw new QueueError(
        "INVALID_TYPE",
        `"${type}" is what another bus calls this event. On the queue it is "${right}".`,
      );
    }
    const near = nearestName(type, view.names);
    throw new QueueError(
      "INVALID_TYPE",
      `"${type}" is none of the ${view.names.size} types of this queue's "events". ${
        near === undefined
          ? 'Add it to the catalogue, or use a queue without "events".'
          : `Did you mean "${near}"?`
      }`,
    );
  }
  return type;
}

/**
 * Checks a list of event types and returns it sorted, each type once; `undefined` (every type) passes.
 *
 * @throws QueueError `INVALID_TYPE`, `INVALID_OPTION` when it is empty or no array
 */
export function checkEventTypes(
  types: unknown,
  view?: EventView<Contracts>,
): readonly string[] | undefined {
  if (types === undefined) return undefined;
  if (!Array.isArray(types) || types.length === 0) {
    throw invalidOption(
      `Option "eventTypes" is ${show(types)}. Give an array of at least one type, or leave it out for every type.`,
    );
  }
  return [...new Set(types.map((type: unknown) => checkEventType(type, view)))].toSorted();
}

/**
 * Checks the name of a consumer group: 1 to 128 letters, digits and `_ . : / @ -`.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkGroupName(name: unknown): string {
  if (typeof name !== "string" || !GROUP_NAME.test(name)) {
    throw invalidOption(
      `Group name ${show(name)} is malformed. Give 1 to 128 letters, digits or "_.:/@-", beginning with a letter, a digit or "_", e.g. "billing".`,
    );
  }
  return name;
}
