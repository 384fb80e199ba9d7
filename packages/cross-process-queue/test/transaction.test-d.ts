import Database from "better-sqlite3";
import { expectTypeOf, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";

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

test("a transaction's database has the type of the handle that was given", () => {
  const shared = new CrossProcessEventQueue({ database: new Database("events.db") });
  void shared.transaction((tx) => {
    expectTypeOf(tx.database).toEqualTypeOf<Database.Database>();
  });
  shared.consumeInTransaction({ group: "g" }, (_event, tx) => {
    expectTypeOf(tx.database).toEqualTypeOf<Database.Database>();
  });
  const typed = new CrossProcessEventQueue<{ PAID: { cents: number } }, Database.Database>({
    database: new Database("events.db"),
  });
  void typed.transaction((tx) => {
    expectTypeOf(tx.database).toEqualTypeOf<Database.Database>();
    expectTypeOf(tx.send("PAID", { cents: 1 }).payload).toEqualTypeOf<{ cents: number }>();
  });
});

test("without one its statements can be typed", () => {
  const own = new CrossProcessEventQueue("events.db");
  const count = own.transaction(
    (tx) => tx.database.prepare<[], { n: number }>("SELECT 1 AS n").get()?.n,
  );
  expectTypeOf(count).toEqualTypeOf<Promise<number | undefined>>();
  void own.transaction((tx) => {
    const find = tx.database.prepare<[id: string], { cents: number }>("SELECT 1");
    expectTypeOf(find.all("a")).toEqualTypeOf<{ cents: number }[]>();
    // @ts-expect-error: what it is bound to
    find.all(1);
    expectTypeOf(tx.database.prepare("SELECT 1").get(1, "a")).toBeUnknown();
  });
});
