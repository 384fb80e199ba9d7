import type { AnyContracts, EventView } from "@ringrift/envelope";
import { describe, expectTypeOf, test } from "vitest";
import {
  type Consumer,
  type EventQueue,
  type LeasedEvent,
  MemoryEventQueue,
  type QueueEvent,
  type StoredEvent,
} from "../src/index.ts";

interface Shop {
  ORDER_PLACED: { id: string; cents: number };
  ORDER_PAID: { id: string };
}

declare const shop: EventQueue<Shop>;
declare const untyped: EventQueue;
declare const view: EventView<Shop>;

describe("a typed queue", () => {
  test("sends payloads of its contract", () => {
    expectTypeOf(shop.send("ORDER_PLACED", { id: "1", cents: 1 })).resolves.toEqualTypeOf<
      StoredEvent<"ORDER_PLACED", { id: string; cents: number }>
    >();
    // @ts-expect-error -- a name that doesn't exist
    void shop.send("ORDER_PLACE", { id: "1", cents: 1 });
    // @ts-expect-error -- a payload of another type
    void shop.send("ORDER_PLACED", { id: "1" });
    // @ts-expect-error -- a field of the wrong type
    void shop.send("ORDER_PLACED", { id: "1", cents: "1" });
    // @ts-expect-error -- an option that doesn't exist
    void shop.send("ORDER_PAID", { id: "1" }, { dedupKey: "x" });
  });

  test("sendMany matches each payload with its type", () => {
    void shop.sendMany([
      { type: "ORDER_PLACED", payload: { id: "1", cents: 1 } },
      { type: "ORDER_PAID", payload: { id: "1" }, key: "1" },
    ]);
    // @ts-expect-error -- the payload of another type
    void shop.sendMany([{ type: "ORDER_PLACED", payload: { id: "1" } }]);
  });

  test("receive gives the union of the types asked for", async () => {
    const [placed] = await shop.receive({ eventTypes: ["ORDER_PLACED"] });
    expectTypeOf(placed?.payload).toEqualTypeOf<{ id: string; cents: number } | undefined>();
    const [any] = await shop.receive();
    if (any?.type === "ORDER_PLACED") expectTypeOf(any.payload.cents).toEqualTypeOf<number>();
    if (any?.type === "ORDER_PAID") {
      // @ts-expect-error -- a field of the other type
      void any.payload.cents;
    }
    // @ts-expect-error -- a name that doesn't exist
    void shop.receive({ eventTypes: ["ORDER_PLACE"] });
  });

  test("only a group's receive gives something to ack", async () => {
    const [read] = await shop.receive();
    // @ts-expect-error -- a reader has no lease
    void read?.ack();
    const [leased] = await shop.receive({ group: "mailer", eventTypes: ["ORDER_PAID"] });
    expectTypeOf(leased).toEqualTypeOf<LeasedEvent<Shop, "ORDER_PAID"> | undefined>();
    expectTypeOf(leased?.ack()).toEqualTypeOf<Promise<boolean> | undefined>();
    // @ts-expect-error -- a lease time needs a group
    void shop.receive({ leaseMs: 5 });
  });

  test("a group's handler gets what the group reads", () => {
    shop.consume({ group: "mailer", eventTypes: ["ORDER_PLACED"] }, (event, context) => {
      expectTypeOf(event.payload).toEqualTypeOf<{ id: string; cents: number }>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    });
    shop.group("mailer", { eventTypes: ["ORDER_PAID"] }).consume({}, (event) => {
      expectTypeOf(event.type).toEqualTypeOf<"ORDER_PAID">();
    });
    shop.group("mailer").consume({}, (event) => {
      expectTypeOf(event).toEqualTypeOf<QueueEvent<Shop>>();
    });
    // @ts-expect-error -- a name that doesn't exist
    shop.group("mailer", { eventTypes: ["ORDER_PLACE"] });
    // @ts-expect-error -- a group is needed
    shop.consume({ eventTypes: ["ORDER_PAID"] }, () => {});
  });

  test("a map of handlers gives each its own event", () => {
    const consumer = shop.group("mailer").consume(
      {},
      {
        ORDER_PLACED: (event) => expectTypeOf(event.payload.cents).toEqualTypeOf<number>(),
        ORDER_PAID: async (event) => expectTypeOf(event.payload).toEqualTypeOf<{ id: string }>(),
      },
    );
    expectTypeOf(consumer).toEqualTypeOf<Consumer>();
    // @ts-expect-error -- a name that doesn't exist
    shop.group("mailer").consume({}, { ORDER_PLACE: () => {} });
    shop.group("mailer").consume(
      {},
      {
        // @ts-expect-error -- a field of the other type
        ORDER_PAID: (event) => event.payload.cents,
      },
    );
  });

  test("stream and history give the union of the types asked for", async () => {
    for await (const event of shop.stream({ eventTypes: ["ORDER_PAID"] })) {
      expectTypeOf(event.payload).toEqualTypeOf<{ id: string }>();
    }
    const [event] = await shop.history({ eventTypes: ["ORDER_PLACED"] });
    expectTypeOf(event?.payload.cents).toEqualTypeOf<number | undefined>();
    // @ts-expect-error -- a name that doesn't exist
    void shop.history({ eventTypes: ["ORDER_PLACE"] });
  });

  test("a catalogue's view gives the types", () => {
    const queue = new MemoryEventQueue({ events: view });
    expectTypeOf(queue).toEqualTypeOf<MemoryEventQueue<Shop>>();
    const contract: EventQueue<Shop> = queue;
    expectTypeOf(contract.group("mailer").name).toEqualTypeOf<string>();
    // @ts-expect-error -- a payload of another type
    void queue.send("ORDER_PAID", { cents: 1 });
  });
});

describe("an untyped queue", () => {
  test("takes any type and gives any payload", async () => {
    void untyped.send("WHATEVER", { n: 1 });
    const [event] = await untyped.receive({ eventTypes: ["WHATEVER"] });
    expectTypeOf(event?.payload).toBeAny();
    expectTypeOf(new MemoryEventQueue()).toEqualTypeOf<MemoryEventQueue<AnyContracts>>();
    untyped.consume({ group: "g" }, (event) => {
      expectTypeOf(event.type).toEqualTypeOf<string>();
      expectTypeOf(event.payload).toBeAny();
    });
  });
});

describe("a function that takes a queue", () => {
  interface Garden {
    ORDER_PLACED: { plants: number };
  }
  const inspect = (queue: EventQueue): Promise<unknown> => queue.stats();
  const serve = (queue: EventQueue<Shop>): Promise<unknown> => queue.stats();

  test("of any kind takes a typed one", () => {
    void inspect(shop);
    void inspect(untyped);
    // Under the contract's name: the compiler compares a class's own methods one by one.
    const typed: EventQueue<Shop> = new MemoryEventQueue({ events: view });
    void inspect(typed);
    void serve(typed);
  });

  test("of some contracts takes no other", () => {
    const garden = new MemoryEventQueue<Garden>();
    // @ts-expect-error -- other payloads under the same name
    void serve(garden);
    const declared: EventQueue<Garden> = garden;
    // @ts-expect-error -- other payloads under the same name
    void serve(declared);
  });
});
