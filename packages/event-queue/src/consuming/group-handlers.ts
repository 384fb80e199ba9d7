import type { Contracts, EventView } from "@ringrift/envelope";
import { QueueError } from "../failures/errors.ts";
import { checkEventTypes } from "../checking/names.ts";
import { invalidOption, show } from "../checking/check-options.ts";

/**
 * For backends: the types that a handler or a map of handlers stands for. A function stands for whatever
 * the group reads; a map for exactly its keys, which must be those the group was given, if any.
 *
 * @throws QueueError `INVALID_OPTION` when it is neither, or a map has a type that the group doesn't read;
 * `HANDLER_MISSING` when the group reads a type that the map lacks; `INVALID_TYPE`
 * @example handlerEventTypes({ ORDER_PLACED: ship }, undefined) // ["ORDER_PLACED"]
 */
export function handlerEventTypes(
  handlers: unknown,
  groupTypes: readonly string[] | undefined,
  view?: EventView<Contracts>,
): readonly string[] | undefined {
  if (typeof handlers === "function") return groupTypes;
  if (typeof handlers !== "object" || handlers === null) {
    throw invalidOption(
      `Handler is ${show(handlers)}. Give a function, or an object of one function a type.`,
    );
  }
  for (const [type, handler] of Object.entries(handlers) as [string, unknown][]) {
    if (typeof handler !== "function") {
      throw invalidOption(`Handler of "${type}" is ${show(handler)}. Give a function.`);
    }
  }
  const types = checkEventTypes(Object.keys(handlers), view);
  if (groupTypes === undefined) return types;
  const missing = groupTypes.find((type) => !Object.hasOwn(handlers, type));
  if (missing !== undefined) {
    throw new QueueError(
      "HANDLER_MISSING",
      `The group reads "${missing}" and there is no handler for it. Add one, or leave "eventTypes" out: the handlers' types are used.`,
    );
  }
  const unread = types?.find((type) => !groupTypes.includes(type));
  if (unread !== undefined) {
    throw invalidOption(
      `There is a handler for "${unread}" and the group doesn't read it. Add it to "eventTypes".`,
    );
  }
  return groupTypes;
}
