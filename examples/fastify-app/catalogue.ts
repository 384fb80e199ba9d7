import { defineCatalogue, event } from "@ringrift/mappings";

/** The body of a request and the payload of an event: one type for both. */
export interface Order {
  readonly id: string;
  readonly cents: number;
}

/** What the web process and the workers agree on. */
export const shop = defineCatalogue({
  "order.placed": event<Order>(),
  "order.confirmed": event<{ id: string; pid: number }>(),
});
