import { MemoryEventQueue } from "@ringrift/event-queue";
import { defineCatalogue, event } from "@ringrift/mappings";
import { describe, expectTypeOf, it } from "vitest";
import { createQueueBridge, type QueueBridge } from "../src/index.ts";

const shop = defineCatalogue({ "order.placed": event<{ id: string }>() });

describe("a bridge takes", () => {
  const typed = new MemoryEventQueue({ events: shop.queue });
  const untyped = new MemoryEventQueue();

  it("typed and untyped queues, and the types of the one that it reads", () => {
    const bridge = createQueueBridge({
      name: "b",
      from: typed,
      to: untyped,
      types: ["ORDER_PLACED"],
    });
    expectTypeOf(bridge).toEqualTypeOf<QueueBridge>();
    createQueueBridge({ name: "b", from: untyped, to: typed, types: ["ANYTHING"], both: true });
    createQueueBridge({ name: "b", from: new MemoryEventQueue({ events: shop.queue }), to: typed });
  });

  it("nothing that it would ignore", () => {
    // @ts-expect-error a type that the queue doesn't have
    createQueueBridge({ name: "b", from: typed, to: untyped, types: ["ORDER_PAID"] });
    // @ts-expect-error an option that doesn't exist
    createQueueBridge({ name: "b", from: typed, to: untyped, topics: ["order.placed"] });
    // @ts-expect-error no name
    createQueueBridge({ from: typed, to: untyped });
  });
});
