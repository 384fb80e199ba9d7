import type { EventView } from "@ringrift/envelope";
import type {
  EventQueue,
  LeasedEvent,
  QueueEvent,
  TransactionalQueue,
} from "@ringrift/event-queue";
import { expectTypeOf, test } from "vitest";
import { type NatsEventQueue, openNatsQueue } from "../src/index.ts";

interface Shop {
  ORDER_PLACED: { id: string; cents: number };
  ORDER_PAID: { id: string };
}
declare const events: EventView<Shop>;

test("the catalogue's view types the queue", async () => {
  const queue = await openNatsQueue({ stream: "shop", events });
  expectTypeOf(queue).toEqualTypeOf<NatsEventQueue<Shop>>();
  expectTypeOf(queue).toExtend<EventQueue<Shop>>();
  expectTypeOf(await queue.send("ORDER_PAID", { id: "1" })).toEqualTypeOf<
    QueueEvent<Shop, "ORDER_PAID">
  >();
  const group = queue.group("g", { eventTypes: ["ORDER_PLACED"] });
  expectTypeOf(await group.receive()).toEqualTypeOf<LeasedEvent<Shop, "ORDER_PLACED">[]>();
});

test("mistakes are compile errors", async () => {
  const queue = await openNatsQueue<Shop>({ stream: "shop" });
  // @ts-expect-error -- no such type
  await queue.send("ORDER_LOST", { id: "1" });
  // @ts-expect-error -- another payload
  await queue.send("ORDER_PAID", { cents: 1 });
  // @ts-expect-error -- no name
  await openNatsQueue({ servers: "127.0.0.1" });
  // @ts-expect-error -- JetStream has no transactions
  await queue.transaction(() => {});
  expectTypeOf(queue).not.toExtend<TransactionalQueue<Shop, unknown>>();
});
