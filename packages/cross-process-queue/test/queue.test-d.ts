import type { EventView } from "@ringrift/envelope";
import type { EventQueue, LeasedEvent, QueueEvent } from "@ringrift/event-queue";
import type Database from "better-sqlite3";
import { expectTypeOf, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";

interface Shop {
  ORDER_PLACED: { id: string; cents: number };
  ORDER_PAID: { id: string };
}
declare const events: EventView<Shop>;
declare const database: Database.Database;

test("the catalogue's view types the queue", async () => {
  const queue = new CrossProcessEventQueue("x.db", { events });
  expectTypeOf(queue).toEqualTypeOf<CrossProcessEventQueue<Shop>>();
  expectTypeOf(queue).toExtend<EventQueue<Shop>>();
  expectTypeOf(new CrossProcessEventQueue({ dbPath: "x.db", events })).toEqualTypeOf<
    CrossProcessEventQueue<Shop>
  >();
  expectTypeOf(await queue.send("ORDER_PAID", { id: "1" })).toEqualTypeOf<
    QueueEvent<Shop, "ORDER_PAID">
  >();
  const group = queue.group("g", { eventTypes: ["ORDER_PLACED"] });
  expectTypeOf(await group.receive()).toEqualTypeOf<LeasedEvent<Shop, "ORDER_PLACED">[]>();
  for (const event of await queue.receive({ eventTypes: ["ORDER_PLACED"] })) {
    expectTypeOf(event.payload).toEqualTypeOf<{ id: string; cents: number }>();
  }
});

test("the mistakes of a user are errors", async () => {
  const queue = new CrossProcessEventQueue("x.db", { events });
  // @ts-expect-error -- no such type
  await queue.send("ORDER_PLACE", { id: "1", cents: 1 });
  // @ts-expect-error -- a field is missing
  await queue.send("ORDER_PLACED", { id: "1" });
  // @ts-expect-error -- what is received without a group can't be acked
  await (await queue.receive())[0]?.ack();
  // @ts-expect-error -- no such durability
  new CrossProcessEventQueue("x.db", { survives: "everything" });
  // @ts-expect-error -- either a path or a handle
  new CrossProcessEventQueue({ dbPath: "x.db", database });
  // @ts-expect-error -- where?
  new CrossProcessEventQueue({ survives: "power-loss" });
});

test("a Database of better-sqlite3 may be shared", () => {
  const shared = new CrossProcessEventQueue({ database, events });
  expectTypeOf(shared).toEqualTypeOf<CrossProcessEventQueue<Shop, Database.Database>>();
  const queue: CrossProcessEventQueue<Shop> = shared;
  void queue.transaction((tx) => tx.database.prepare("SELECT 1").get());
});
