import { mkdirSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { Child } from "./process/child.ts";
import { openQueue, tempPath, until } from "./temp-queue.ts";

/** Longer than any fallback: what is awaited for so long came by itself. */
const WAIT = { waitMs: 20_000 };

test("a waiting receive of another instance wakes when an event is sent", async () => {
  const path = tempPath();
  const waiting = openQueue(path).receive(WAIT);
  const { id } = await openQueue(path).send("A", {});
  expect((await waiting).map((event) => event.id)).toEqual([id]);
});

test("a waiting group wakes when an event is sent by another process", async () => {
  const path = tempPath();
  const waiting = openQueue(path).group("g").receive(WAIT);
  const publisher = new Child("publisher", { path, count: 1 });
  const { id } = await publisher.line(({ kind }) => kind === "stored");
  expect((await waiting).map((event) => event.id)).toEqual([id]);
});

test("a stream hears of events of another process", async () => {
  const path = tempPath();
  const stream = openQueue(path).stream({ from: "beginning" });
  const publisher = new Child("publisher", { path, count: 3 });
  const seen: unknown[] = [];
  for await (const { payload } of stream) if (seen.push(payload) === 3) break;
  expect(seen).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  expect(await publisher.end()).toBe(0);
});

test("a deleted doorbell is made anew, and until then looking replaces it", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const handled: string[] = [];
  const consumer = queue.consume({ group: "g" }, ({ id }) => void handled.push(id));
  await until(async () => (await queue.groups.list()).length === 1);
  const sent: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    rmSync(`${path}.bell`);
    const publisher = new Child("publisher", { path, count: 2 });
    sent.push(...(await publisher.count("stored", 2)).flatMap(({ id }) => id ?? []));
    await until(() => handled.length === sent.length);
    await queue.send("NUDGE", {}).then(({ id }) => sent.push(id));
    await until(() => handled.length === sent.length);
  }
  expect(handled).toEqual(sent);
  await consumer.stop();
});

test("without any doorbell file, events of another process still arrive", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("FIRST", {});
  const publisher = new Child("publisher", { path, count: 1 });
  await publisher.end();
  // A folder in its place: neither can it be opened nor made.
  rmSync(`${path}.bell`, { force: true });
  mkdirSync(`${path}.bell`);
  const other = openQueue(path);
  expect(await other.receive()).toHaveLength(2);
  const waiting = other.receive(WAIT);
  const second = new Child("publisher", { path, count: 1 });
  await second.line(({ kind }) => kind === "stored");
  expect(await waiting).toHaveLength(1);
});

test("a retry that falls due wakes a waiting member by itself", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const group = queue.group("g");
  const { id } = await queue.send("A", {});
  const [event] = await group.receive();
  const waiting = openQueue(path).group("g").receive(WAIT);
  await event?.nack({ delayMs: 300 });
  const [again] = await waiting;
  expect(again).toMatchObject({ id, attempt: 2, redelivered: true });
});

test("a lease that runs out wakes a waiting member by itself", async () => {
  const path = tempPath();
  const { id } = await openQueue(path).send("A", {});
  await openQueue(path).group("g").receive({ leaseMs: 300 });
  const [again] = await openQueue(path).group("g").receive(WAIT);
  expect(again).toMatchObject({ id, attempt: 2, redelivered: true });
});

test("an idle consumer takes no write lock", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const consumer = queue.consume({ group: "g" }, () => {});
  await until(async () => (await queue.groups.list()).length === 1);
  const watcher = new Database(path, { readonly: true });
  const before = watcher.pragma("data_version", { simple: true });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(watcher.pragma("data_version", { simple: true })).toBe(before);
  watcher.close();
  await consumer.stop();
});

test("a receive that waits gives up when its time is over", async () => {
  const queue = openQueue(tempPath());
  const began = performance.now();
  expect(await queue.receive({ waitMs: 100 })).toEqual([]);
  expect(performance.now() - began).toBeGreaterThan(90);
});
