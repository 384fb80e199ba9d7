import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

const MANY = Array.from({ length: 1_200 }, (_, n) => ({ type: "A", payload: { n } }));

/** Makes all that is stored look as old as it would be in a week. */
function age(path: string): void {
  const database = new Database(path);
  database.exec("UPDATE events SET stored_at = stored_at - 604800000");
  database.close();
}

test("old events go by themselves, in steps, and the newest stays", async () => {
  const path = tempPath();
  const queue = openQueue(path, { retentionMs: 1_000 });
  await queue.sendMany(MANY);
  age(path);
  expect(await until(async () => (await queue.stats()).events === 1)).toBe(true);
  expect(await queue.stats()).toMatchObject({
    oldestPosition: 1_200,
    dropped: { retention: 1_199 },
  });
  expect(await queue.send("A", {})).toMatchObject({ position: 1_201 });
});

test("old events stay while a group has still to settle them", async () => {
  const path = tempPath();
  const queue = openQueue(path, { retentionMs: 1_000 });
  await queue.sendMany(MANY.slice(0, 10));
  const group = queue.group("g");
  const [first, second, third] = await group.receive({ limit: 3 });
  await first?.ack();
  await third?.ack();
  age(path);
  expect(await queue.stats()).toMatchObject({ oldestPosition: 2 });
  await second?.ack();
  expect(await queue.stats()).toMatchObject({ oldestPosition: 4 });
});

test("a group that reads other types doesn't hold old events back", async () => {
  const path = tempPath();
  const queue = openQueue(path, { retentionMs: 1_000 });
  await queue.group("g", { eventTypes: ["B"] }).ensure();
  await queue.sendMany(MANY.slice(0, 10));
  await queue.send("B", {});
  await queue.sendMany(MANY.slice(0, 10));
  age(path);
  expect(await queue.stats()).toMatchObject({ oldestPosition: 11 });
});

test("a dead letter survives the event's retention, and can be redriven", async () => {
  const path = tempPath();
  const queue = openQueue(path, { retentionMs: 1_000 });
  const group = queue.group("g", { maxAttempts: 1 });
  const { id } = await queue.send("A", { n: 1 }, { key: "k", headers: { h: "1" } });
  const [event] = await group.receive();
  await event?.nack({ reason: "no" });
  await queue.send("A", { n: 2 });
  for (const later of await group.receive()) await later.ack();
  age(path);
  await until(async () => (await queue.stats()).events === 1);
  expect(await queue.deadLetters.redrive({ id })).toEqual({ count: 1 });
  expect(await group.receive()).toMatchObject([
    { id, payload: { n: 1 }, key: "k", headers: { h: "1" }, attempt: 1, redelivered: true },
  ]);
});

test("a group that nobody serves expires, and what it had pending is counted", async () => {
  const queue = openQueue(tempPath());
  const group = queue.group("g", { expireAfterMs: 200 });
  await group.ensure();
  await queue.sendMany(MANY.slice(0, 3));
  expect(await until(async () => (await queue.groups.list()).length === 0)).toBe(true);
  expect((await queue.stats()).dropped).toEqual({ "group-expired": 3 });
});

test("an idle consumer keeps its group alive", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const consumer = queue.consume({ group: "g", expireAfterMs: 400 }, () => {});
  await until(async () => (await queue.groups.list()).length === 1);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await openQueue(path).groups.list()).toHaveLength(1);
  await consumer.stop();
});

test("a long handler keeps its group alive", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const { promise, resolve } = Promise.withResolvers<void>();
  await queue.send("A", {});
  const consumer = queue.consume({ group: "g", expireAfterMs: 400, leaseMs: 150 }, () => promise);
  await until(() => consumer.stats().inFlight === 1);
  await new Promise((done) => setTimeout(done, 1_200));
  expect(await openQueue(path).groups.list()).toHaveLength(1);
  resolve();
  await consumer.stop();
  expect(consumer.stats().handled).toBe(1);
});
