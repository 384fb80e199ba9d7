/** A catalogue of your own: names on every bus, payload types, failures, local events. */
import { createCoordinator } from "@ringrift/coordinator";
import { defineCatalogue, event, named, validateMappings } from "@ringrift/mappings";

const shop = defineCatalogue({
  // Names follow from the topic: ORDER_PLACED on the queue, order_placed in the tables.
  "order.placed": event<{ id: string; cents: number }>(),
  // A stage that can fail: with `success: false` it goes on as `packing.failed`, never as packed.
  "order.packed": named<{ id: string; boxes: number }>()({
    stages: ["packing_complete"],
    failure: "packing.failed",
  }),
  "packing.failed": named<{ id: string; error: string }>()({ stages: ["packing_failed"] }),
  // A name that others use already, and spellings that are understood but never produced.
  "stock.low": named<{ sku: string; left: number }>()({
    crossProcess: "STOCK_BELOW_MINIMUM",
    aliases: ["LOW_STOCK"],
  }),
  // Events that no other process should hear of.
  "cart.changed": named<{ items: number }>()({ local: true }),
});

console.log("problems:", validateMappings(shop).length); // a coordinator's start checks it too
console.log("LOW_STOCK is", shop.entryFor("LOW_STOCK")?.topic);

const events = createCoordinator({ catalogue: shop }); // no queue given: it makes one in memory
await events.start();

// Names and payloads are known everywhere; `events.publish("order.lost", …)` doesn't compile.
events.bus.subscribe("order.placed", ({ payload }) => console.log("placed:", payload.cents));
events.bus.subscribe("order.packed", ({ payload }) => console.log("packed:", payload.boxes));
events.bus.subscribe("packing.failed", ({ payload }) => console.log("failed:", payload.error));

await events.publish("order.placed", { id: "A-1", cents: 1999 });
await events.emitters.stockLow({ sku: "tea", left: 2 }); // the same as publish("stock.low", …)
await events.stages.emit({ stage: "packing_complete", success: true, id: "A-1", boxes: 2 });
await events.stages.emit({
  stage: "packing_complete",
  success: false,
  id: "A-2",
  error: "no boxes",
});
await events.bus.publish("cart.changed", { items: 3 });

const stored = await events.queue.history();
console.log("on the queue:", ...stored.map((event) => event.type));
await events.close();
