import { expectTypeOf, test } from "vitest";
import type { CrossProcessEventQueue } from "../src/index.ts";

declare const queue: CrossProcessEventQueue<{ PLACED: { id: string }; PAID: { cents: number } }>;

test("a transaction is synchronous, and gives what its callback gives", () => {
  expectTypeOf(queue.transaction((tx) => tx.send("PLACED", { id: "a" }).payload.id)).toEqualTypeOf<
    Promise<string>
  >();
  // @ts-expect-error: an async callback would run on when the transaction is over
  void queue.transaction(async () => {});
  // @ts-expect-error: a promise in one of its ways out, too
  void queue.transaction((tx) => (tx ? Promise.resolve(1) : 2));
  // @ts-expect-error: the payload of another event
  void queue.transaction((tx) => tx.send("PLACED", { cents: 1 }));
});

test("a consumer in transactions is synchronous, too, and typed by its events", () => {
  queue.consumeInTransaction({ group: "g", eventTypes: ["PAID"] }, (event) => {
    expectTypeOf(event.payload).toEqualTypeOf<{ cents: number }>();
  });
  // @ts-expect-error: an async handler
  queue.consumeInTransaction({ group: "g" }, async () => {});
});
