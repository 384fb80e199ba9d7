import type { AnyCatalogue, selfplayCatalogue } from "@ringrift/mappings";
import { checkCoordinatorOptions } from "../options/check-options.ts";
import { EventCoordinator } from "./coordinator.ts";
import type { CoordinatorOptions } from "../options/options.ts";
import { takeParts } from "../options/endpoints.ts";

/**
 * Makes a coordinator, not started yet. Buses and queue that are given stay yours to close; those left
 * out are made in memory and closed with the coordinator.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 * @example
 * const events = createCoordinator({ catalogue: shop, queue, node: "shop-1" });
 * await events.start();
 * await events.publish("order.placed", { id: "A-1", cents: 1999 });
 */
export function createCoordinator<Cat extends AnyCatalogue = typeof selfplayCatalogue>(
  options: CoordinatorOptions<Cat> = {},
): EventCoordinator<Cat> {
  checkCoordinatorOptions(options);
  return new EventCoordinator<Cat>(takeParts(options), options);
}
