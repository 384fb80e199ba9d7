import { createEventBus } from "@ringrift/core-bus";
import { MemoryEventQueue } from "@ringrift/event-queue";
import { defineCatalogue, event } from "@ringrift/mappings";
import { describe, expectTypeOf, it } from "vitest";
import { createCoordinator } from "../src/index.ts";

const shop = defineCatalogue({ "order.placed": event<{ id: string; cents: number }>() });

describe("types flow from the catalogue", () => {
  const queue = new MemoryEventQueue({ events: shop.queue });
  const events = createCoordinator({ catalogue: shop, queue, node: "shop-1" });

  it("into publish, its emitters, the bus and work", () => {
    expectTypeOf(events.publish).parameter(0).toEqualTypeOf<"order.placed">();
    expectTypeOf(events.emitters.orderPlaced)
      .parameter(0)
      .toEqualTypeOf<{ id: string; cents: number }>();
    events.bus.subscribe("order.placed", (event) => {
      expectTypeOf(event.payload.cents).toEqualTypeOf<number>();
    });
    events.handle("order.placed", { group: "mailer" }, (event, context) => {
      expectTypeOf(event.payload).toEqualTypeOf<{ id: string; cents: number }>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    });
  });

  it("and a mistake is an error where it stands", () => {
    // @ts-expect-error a queue name where a topic belongs
    void events.publish("ORDER_PLACED", { id: "1", cents: 1 });
    // @ts-expect-error a field that is missing
    void events.publish("order.placed", { id: "1" });
    // @ts-expect-error a topic nobody defined
    events.handle("order.lost", { group: "mailer" }, () => undefined);
    // @ts-expect-error no group
    events.handle("order.placed", {}, () => undefined);
    // @ts-expect-error no such emitter
    void events.emitters.orderLost;
  });

  it("from buses and queues that nobody typed, too", () => {
    createCoordinator({ catalogue: shop, bus: createEventBus(), queue: new MemoryEventQueue() });
  });

  it("from the default catalogue when none is given", () => {
    const selfplay = createCoordinator();
    void selfplay.publish("training.completed", {
      configKey: "hex7_2p",
      metrics: {},
      modelPath: "m",
    });
    selfplay.bus.subscribe("evaluation.completed", (event) => {
      expectTypeOf(event.payload.configKey).toEqualTypeOf<string>();
    });
    // @ts-expect-error not a topic
    void selfplay.publish("training_completed", { configKey: "hex7_2p" });
  });
});
