import { defineCatalogue, event } from "@ringrift/mappings";

/** What both processes agree on: names and payloads. On the queue it is ORDER_PLACED. */
export const shop = defineCatalogue({
  "order.placed": event<{ id: string; cents: number }>(),
});
