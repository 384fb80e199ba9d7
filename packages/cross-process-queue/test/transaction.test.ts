import { PermanentError } from "@ringrift/event-queue";
import { describe, expect, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

const MAKE_ORDERS = "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY)";
const INSERT = "INSERT INTO orders (id) VALUES (?)";

async function shop(path = tempPath()) {
  const queue = openQueue(path);
  await queue.transaction((tx) => tx.database.exec(MAKE_ORDERS));
  const orders = () =>
    queue.transaction((tx) =>
      tx.database
        .prepare("SELECT id FROM orders ORDER BY id")
        .all()
        .map((row) => (row as { id: string }).id),
    );
  return { queue, orders, path };
}

describe("a transaction", () => {
  test("stores rows and events together, and gives what the callback gave", async () => {
    const { queue, orders } = await shop();
    const sent = await queue.transaction((tx) => {
      tx.database.prepare(INSERT).run("A-1");
      return tx.send("ORDER_PLACED", { id: "A-1" }, { headers: { shop: "north" } });
    });
    expect(sent).toMatchObject({ type: "ORDER_PLACED", payload: { id: "A-1" }, position: 1 });
    expect(await queue.history()).toEqual([sent]);
    expect(await orders()).toEqual(["A-1"]);
    expect((await queue.stats()).sent).toBe(1);
  });

  test("stores neither when the callback throws, and rejects with its very error", async () => {
    const { queue, orders } = await shop();
    const failure = new Error("no stock");
    const failed = queue.transaction((tx) => {
      tx.database.prepare(INSERT).run("A-1");
      tx.send("ORDER_PLACED", { id: "A-1" });
      throw failure;
    });
    await expect(failed).rejects.toBe(failure);
    expect([await queue.history(), await orders()]).toEqual([[], []]);
    expect((await queue.stats()).sent).toBe(0);
  });

  test("fails alone: sends of the same turn are stored, and their order stays", async () => {
    const { queue } = await shop();
    const all = await Promise.allSettled([
      queue.send("A", {}),
      queue.transaction((tx) => {
        tx.send("B", {});
        tx.database.prepare("INSERT INTO missing VALUES (1)").run();
      }),
      queue.send("C", {}),
      queue.transaction((tx) => tx.send("D", {})),
    ]);
    expect(all.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(all[1]).toMatchObject({ reason: { message: "no such table: missing" } });
    expect((await queue.history()).map(({ type }) => type)).toEqual(["A", "C", "D"]);
  });

  test("checks what it sends as send does, and keeps dedupe keys", async () => {
    const { queue } = await shop();
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    await expect(queue.transaction((tx) => tx.send("A", cyclic))).rejects.toMatchObject({
      code: "PAYLOAD_NOT_JSON",
    });
    const twice = () => queue.transaction((tx) => tx.send("A", {}, { dedupeKey: "k" }));
    const first = await twice();
    expect(await twice()).toMatchObject({ id: first.id, duplicate: true });
    expect(await queue.stats()).toMatchObject({ events: 1, sent: 1, duplicates: 1 });
  });

  test("refuses a callback that returns a promise, and stores nothing of it", async () => {
    const { queue, orders } = await shop();
    const asynchronous = async (tx: {
      database: { prepare(sql: string): { run(id: string): unknown } };
    }) => {
      tx.database.prepare(INSERT).run("A-1");
      await Promise.reject(new Error("later"));
    };
    await expect(queue.transaction(asynchronous as never)).rejects.toMatchObject({
      code: "ASYNC_TRANSACTION",
    });
    expect(await orders()).toEqual([]);
  });

  test("refuses a callback that ends it, and use after its end", async () => {
    const { queue } = await shop();
    const ended = queue.transaction((tx) => {
      tx.send("A", {});
      tx.database.exec("ROLLBACK");
    });
    await expect(ended).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
    const kept = await queue.transaction((tx) => tx);
    expect(() => kept.send("A", {})).toThrow(
      expect.objectContaining({ code: "TRANSACTION_ENDED" }),
    );
    expect(await queue.history()).toEqual([]);
    await queue.send("B", {});
  });

  test("gives its events the lineage of the event in whose handler it runs", async () => {
    const { queue } = await shop();
    const parent = await queue.send("ORDER_PLACED", {});
    const consumer = queue.consume({ group: "g", eventTypes: ["ORDER_PLACED"] }, () =>
      queue.transaction((tx) => tx.send("INVOICE_WRITTEN", {})),
    );
    const invoice = await until(async () => (await queue.history()).at(1));
    await consumer.stop();
    expect(invoice).toMatchObject({ causationId: parent.id, correlationId: parent.correlationId });
  });
});

describe("a consumer in transactions", () => {
  test("stores the effect and the ack together", async () => {
    const { queue, orders } = await shop();
    await queue.sendMany(["a", "b", "c"].map((id) => ({ type: "ORDER_PLACED", payload: { id } })));
    const consumer = queue.consumeInTransaction(
      { group: "ledger", eventTypes: ["ORDER_PLACED"] },
      ({ payload }, tx) => {
        tx.database.prepare(INSERT).run(payload.id);
        tx.send("BOOKED", { id: payload.id });
      },
    );
    await until(async () => (await queue.groups.list())[0]?.pending === 0);
    expect(await queue.history({ eventTypes: ["BOOKED"] })).toHaveLength(3);
    await consumer.stop();
    expect(await orders()).toEqual(["a", "b", "c"]);
    expect(consumer.stats()).toMatchObject({ failed: 0, leasesLost: 0 });
  });

  test("tries again what failed, and nothing of a failed attempt stays", async () => {
    const { queue, orders } = await shop();
    await queue.send("ORDER_PLACED", { id: "a" });
    const attempts: number[] = [];
    const consumer = queue.consumeInTransaction(
      { group: "ledger", backoff: { initialMs: 5 } },
      ({ payload, attempt }, tx) => {
        attempts.push(attempt);
        tx.database.prepare(INSERT).run(payload.id);
        if (attempt < 3) throw new Error("not yet");
      },
    );
    await until(async () => (await queue.groups.list())[0]?.pending === 0);
    await consumer.stop();
    expect([attempts, await orders()]).toEqual([[1, 2, 3], ["a"]]);
  });

  test("puts aside what can't succeed", async () => {
    const { queue, orders } = await shop();
    await queue.send("ORDER_PLACED", { id: "a" });
    const consumer = queue.consumeInTransaction({ group: "ledger" }, ({ payload }, tx) => {
      tx.database.prepare(INSERT).run(payload.id);
      throw new PermanentError("unknown customer");
    });
    await until(async () => (await queue.deadLetters.list()).length === 1);
    await consumer.stop();
    expect(await orders()).toEqual([]);
  });

  test("refuses a handler that is none, or asynchronous", async () => {
    const { queue } = await shop();
    expect(() => queue.consumeInTransaction({ group: "g" }, undefined as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
    await queue.send("A", {});
    const consumer = queue.consumeInTransaction(
      { group: "g", maxAttempts: 1 },
      (async () => {}) as never,
    );
    const [letter] = await until(async () => {
      const letters = await queue.deadLetters.list();
      return letters.length > 0 && letters;
    });
    await consumer.stop();
    expect(letter?.error.message).toContain("returned a promise");
  });
});
