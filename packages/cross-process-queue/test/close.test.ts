import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { openQueue, tempPath, until } from "./temp-queue.ts";

test("close stores what was sent before it, and calls that overlap share it", async () => {
  const path = tempPath();
  const queue = new CrossProcessEventQueue(path);
  const sending = Promise.all([1, 2, 3].map((n) => queue.send("A", { n })));
  await Promise.all([queue.close(), queue.close()]);
  expect(await sending).toHaveLength(3);
  expect(await openQueue(path).history()).toHaveLength(3);
});

test("close of the last instance takes the write-ahead log back into the file", async () => {
  const path = tempPath();
  const queue = new CrossProcessEventQueue(path);
  await queue.send("A", {});
  expect(existsSync(`${path}-wal`)).toBe(true);
  await queue.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
});

test("a call after close rejects with QUEUE_CLOSED, and so does one that waits", async () => {
  const queue = openQueue(tempPath());
  const waiting = Promise.allSettled([
    queue.receive({ waitMs: 60_000 }),
    queue.group("g").receive({ waitMs: 60_000 }),
  ]);
  await until(async () => (await queue.groups.list()).length === 1);
  await queue.close();
  const closed = { code: "QUEUE_CLOSED" };
  expect(await waiting).toMatchObject([{ reason: closed }, { reason: closed }]);
  await expect(queue.send("A", {})).rejects.toMatchObject(closed);
  await expect(queue.history()).rejects.toMatchObject(closed);
  await expect(queue.health()).rejects.toMatchObject(closed);
  expect(() => queue.stream()).toThrow(expect.objectContaining(closed));
});

test("close waits for a running handler, which still sends and acks", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("PARENT", {});
  const consumer = queue.consume({ group: "g", eventTypes: ["PARENT"] }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await queue.send("CHILD", {});
  });
  await until(() => consumer.stats().inFlight === 1);
  await queue.close();
  expect(consumer.stats()).toMatchObject({ handled: 1, state: "stopped" });
  const other = openQueue(path);
  expect((await other.history()).map(({ type }) => type)).toEqual(["PARENT", "CHILD"]);
  expect(await other.groups.list()).toMatchObject([{ pending: 0 }]);
});

test("a queue that was never used closes without making a file", async () => {
  const path = tempPath();
  await new CrossProcessEventQueue(path).close();
  expect(existsSync(path)).toBe(false);
});

test("a handle that was given stays open, and its settings stay", async () => {
  const path = tempPath();
  const database = new Database(path);
  database.defaultSafeIntegers(true);
  const queue = new CrossProcessEventQueue({ database });
  await queue.send("A", { n: 1 });
  const [event] = await queue.group("g").receive();
  expect(event).toMatchObject({ position: 1, attempt: 1 });
  await queue.close();
  expect(database.open).toBe(true);
  expect(database.prepare("SELECT count(*) AS n FROM ringrift_events").get()).toEqual({ n: 1n });
  database.close();
});

test("a handle that was given may have tables of its own", async () => {
  const path = tempPath();
  const database = new Database(path);
  database.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY)");
  const queue = new CrossProcessEventQueue({ database });
  await queue.send("A", {});
  expect(await openQueue(path).history()).toHaveLength(1);
  await queue.close();
  database.close();
});

test("a send waits while the owner of a shared handle has a transaction open", async () => {
  const database = new Database(tempPath());
  const queue = new CrossProcessEventQueue({ database });
  await queue.send("A", {});
  database.exec("BEGIN");
  const sending = queue.send("B", {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  database.exec("ROLLBACK");
  expect(await sending).toMatchObject({ position: 2 });
  expect(await queue.history()).toHaveLength(2);
  await queue.close();
  database.close();
});

test("a queue is made while the owner of a shared handle ends a transaction", async () => {
  const database = new Database(tempPath());
  const queue = new CrossProcessEventQueue({ database });
  database.exec("BEGIN");
  const sending = queue.send("A", {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  database.exec("COMMIT");
  expect(await sending).toMatchObject({ position: 1 });
  await queue.close();
  database.close();
});
