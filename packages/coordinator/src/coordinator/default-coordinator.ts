import { getEventBus } from "@ringrift/core-bus";
import { selfplayCatalogue } from "@ringrift/mappings";
import { getStageEventBus } from "@ringrift/stage-events";
import type { EventCoordinator } from "./coordinator.ts";
import { createCoordinator } from "./create-coordinator.ts";
import { CoordinatorError } from "../errors.ts";
import type { CoordinatorOptions } from "../options/options.ts";

type DefaultCoordinator = EventCoordinator<typeof selfplayCatalogue>;

// On a well-known symbol, so that a reloaded module finds the instance that is running.
const KEY = Symbol.for("@ringrift/coordinator/default/1");
const registry = globalThis as { [KEY]?: DefaultCoordinator };

/**
 * The process's default coordinator: over `getEventBus()`, `getStageEventBus()` and the default
 * catalogue. The first call makes it and may say more, first of all which `queue`; without one, events
 * stay in this process.
 *
 * @throws CoordinatorError `INVALID_OPTION` when a later call gives options: they would change nothing
 * @example
 * const coordinator = getEventCoordinator({ queue: new CrossProcessEventQueue("data/events.db") });
 * await coordinator.start();
 */
export function getEventCoordinator(
  options?: CoordinatorOptions<typeof selfplayCatalogue>,
): DefaultCoordinator {
  const made = registry[KEY];
  if (made && options) {
    throw new CoordinatorError(
      "INVALID_OPTION",
      "The default coordinator exists already, so these options would be ignored. Give them to the first call, or call resetEventCoordinator() before.",
    );
  }
  return (registry[KEY] ??= createCoordinator({
    bus: getEventBus(),
    stages: getStageEventBus(),
    catalogue: selfplayCatalogue,
    ...options,
  }));
}

/** Closes and forgets the default coordinator; the next `getEventCoordinator()` makes a new one. */
export async function resetEventCoordinator(): Promise<void> {
  const made = registry[KEY];
  delete registry[KEY];
  await made?.close();
}
