import { statSync } from "node:fs";
import Database from "better-sqlite3";
import { PermanentError } from "@ringrift/event-queue";
import { expect, onTestFinished, test } from "vitest";
import { Child } from "./process/child.ts";
import { openQueue, tempPath, until } from "./temp-queue.ts";

const MANY = Array.from({ length: 1_200 }, (_, n) => ({ type: "A", payload: { n } }));

/** Makes all that is stored look as old as it would be in a week. */
function age(path: string): void {
  const database = new Database(path);
  database.exec("UPDATE ringrift_events SET stored_at = stored_at - 604800000");
  database.close();
}

/** Gives group "g" so many dead letters, and so many events that wait for a retry. */
function fillGroup(path: string, count: number): void {
  const database = new Database(path);
  database.exec(`
    BEGIN;
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
    INSERT INTO ringrift_dead_letters (group_name, event_id, type, position, event, attempts, error, failures, time)
    SELECT 'g', 'e' || n, 'A', n, '{}', 5, '{}', '[]', 0 FROM numbers;
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
    INSERT INTO ringrift_deliveries (group_id, position, due, attempt, event)
    SELECT (SELECT id FROM ringrift_groups), n, 9e12, 1, '{}' FROM numbers;
    COMMIT`);
  database.close();
}

/** Looks, and has nothing swept. */
function countRows(path: string, table: string): number {
  const database = new Database(path, { readonly: true });
  const count = database.prepare(`SELECT count(*) FROM ringrift_${table}`).pluck().get() as number;
  database.close();
  return count;
}

/** As if nobody had served any group for a year. */
function unserve(path: string): void {
  const database = new Database(path);
  database.exec("UPDATE ringrift_groups SET served_at = served_at - 31536000000");
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

test("more events than retentionEvents go by themselves, oldest first", async () => {
  const queue = openQueue(tempPath(), { retentionEvents: 100 });
  await queue.sendMany(MANY);
  expect(await until(async () => (await queue.stats()).events === 100)).toBe(true);
  expect(await queue.stats()).toMatchObject({
    oldestPosition: 1_101,
    newestPosition: 1_200,
    dropped: { "retention-size": 1_100 },
  });
});

test("what is above retentionBytes goes by itself, and the space is used again", async () => {
  const path = tempPath();
  const queue = openQueue(path, { retentionBytes: 1_000_000 });
  const large = Array.from({ length: 100 }, () => ({ type: "A", payload: "x".repeat(20_000) }));
  const usedBytes = async (): Promise<number> => {
    await queue.stats();
    return Number((await queue.health()).details["usedBytes"]);
  };
  for (let round = 0; round < 5; round += 1) {
    await queue.sendMany(large);
    // A sweep goes in steps, and a busy machine gets less done in each.
    expect(await until(async () => (await usedBytes()) < 1_000_000)).toBe(true);
  }
  const { events, oldestPosition = 0, newestPosition = 0, dropped } = await queue.stats();
  expect(newestPosition).toBe(500);
  expect(newestPosition - oldestPosition + 1).toBe(events);
  expect(events).toBeGreaterThan(10);
  expect(dropped).toEqual({ "retention-size": 500 - events });
  await queue.close();
  expect(statSync(path).size).toBeLessThan(4_000_000);
});

test("what a group has still to settle stays, however much it is, and health says who holds it", async () => {
  const queue = openQueue(tempPath(), { retentionEvents: 10 });
  const group = queue.group("slow");
  await group.ensure();
  await queue.sendMany(MANY.slice(0, 100));
  expect(await queue.stats()).toMatchObject({ events: 100, dropped: {} });
  const { ok, problems, details } = await queue.health();
  expect(ok).toBe(false);
  expect(problems).toMatchObject([
    { code: "GROUP_HOLDS_LOG", message: expect.stringContaining('"slow" has 100 events') },
  ]);
  expect(details["lag"]).toEqual({ slow: { pending: 100, ageMs: expect.any(Number), skipped: 0 } });
  for (const event of await group.receive({ limit: 95 })) await event.ack();
  expect(await queue.stats()).toMatchObject({ events: 10, dropped: { "retention-size": 90 } });
  expect(await queue.health()).toMatchObject({ ok: true, problems: [] });
});

test("health says how old the oldest event is that a group has to settle", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.group("slow").ensure();
  await queue.group("other", { eventTypes: ["B"] }).ensure();
  await queue.sendMany(MANY.slice(0, 2));
  age(path);
  const { ok, problems, details } = await queue.health();
  expect(ok).toBe(false);
  expect(problems).toMatchObject([
    { subject: "slow", message: expect.stringMatching(/"slow" has 2 events .* 6048\d\d s old/) },
  ]);
  expect(details["lag"]).toEqual({
    slow: { pending: 2, ageMs: expect.closeTo(604_800_000, -4), skipped: 0 },
    other: { pending: 0, ageMs: 0, skipped: 0 },
  });
});

test.each(["retentionEvents", "retentionBytes"])("%s must be a positive integer", (name) => {
  for (const value of [0, -1, 1.5, "100", Number.NaN]) {
    expect(() => openQueue(tempPath(), { [name]: value })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining(name) }),
    );
  }
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

test("a node's group that nobody serves expires, and what it had pending is counted", async () => {
  const queue = openQueue(tempPath());
  await queue.groups.claim("g", { holder: "node" });
  const group = queue.group("g", { expireAfterMs: 200 });
  await group.ensure();
  await queue.sendMany(MANY.slice(0, 3));
  expect(await until(async () => (await queue.groups.list()).length === 0)).toBe(true);
  expect((await queue.stats()).dropped).toEqual({ "group-expired": 3 });
});

/**
 * The longest that another process waits for the write lock while `work` runs, as a share of the time that takes: on
 * a busy machine both are longer.
 */
async function longestLock(path: string, work: () => Promise<unknown>): Promise<number> {
  const prober = new Child("prober", { path });
  await prober.line(({ kind }) => kind === "probing");
  const began = performance.now();
  await work();
  const tookMs = performance.now() - began;
  prober.stop();
  const { position = Number.NaN } = await prober.line(({ kind }) => kind === "longest");
  return position / tookMs;
}

test("a node's group with a hundred thousand letters and retries expires in steps that let others in between", async () => {
  const path = tempPath();
  const queue = openQueue(path, { survives: "process-crash" });
  await queue.groups.claim("g", { holder: "node" });
  const group = queue.group("g", { expireAfterMs: 3_600_000 });
  await group.ensure();
  fillGroup(path, 100_000);
  unserve(path);
  const longest = await longestLock(path, async () => {
    // Who counts waits for a step, and not for all of it.
    expect((await queue.stats()).deadLetters).toBeGreaterThan(0);
    await until(() => countRows(path, "groups") === 0);
  });
  expect(longest).toBeLessThan(0.5);
  expect(await queue.stats()).toMatchObject({
    deadLetters: 0,
    dropped: { "group-expired": 100_000 },
  });
});

test("fifty thousand old events go in steps that let others in between", async () => {
  const path = tempPath();
  const queue = openQueue(path, { retentionMs: 3_600_000, survives: "process-crash" });
  for (let sent = 0; sent < 50_000; sent += 10 * MANY.length) {
    await Promise.all(Array.from({ length: 10 }, () => queue.sendMany(MANY)));
  }
  age(path);
  const longest = await longestLock(path, async () => {
    await queue.stats();
    await until(() => countRows(path, "events") === 1);
  });
  expect(longest).toBeLessThan(0.5);
});

test("a group is removed with all it has, in steps", async () => {
  const path = tempPath();
  const queue = openQueue(path, { survives: "process-crash" });
  await queue.group("g").ensure();
  fillGroup(path, 20_000);
  expect(await queue.groups.remove("g")).toBe(true);
  expect(await queue.groups.remove("g")).toBe(false);
  expect(await queue.stats()).toMatchObject({ groups: 0, deadLetters: 0 });
  await queue.group("g").ensure();
  expect(await queue.groups.list()).toMatchObject([{ pending: 0, deadLetters: 0 }]);
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

test("a group that is far behind skips in steps, says so once, and then nothing keeps the log", async () => {
  const path = tempPath();
  const warnings: string[] = [];
  const note = ({ message }: Error): number => warnings.push(message);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const queue = openQueue(path, { retentionMs: 3_600_000, survives: "process-crash" });
  const group = queue.group("late", { skipAfterMs: 60_000 });
  const dying = { type: "A", payload: { n: -1 } };
  await queue.sendMany([dying, dying]);
  for (const event of await group.receive()) await event.nack({ reason: new PermanentError("no") });
  for (let round = 0; round < 40; round += 1) await queue.sendMany(MANY);
  await queue.groups.seek("late", "beginning");
  // It is in the log and a delivery too, and one event all the same.
  expect(await queue.deadLetters.redrive({ limit: 1 })).toEqual({ count: 1 });
  age(path);
  expect(await until(async () => (await queue.stats()).events === 1)).toBe(true);
  const all = 2 + 40 * MANY.length;
  const { dropped } = await queue.stats();
  expect(dropped).toEqual({ skipped: all, retention: all - 1 });
  expect(await queue.groups.list()).toMatchObject([{ name: "late", pending: 0, skipped: all }]);
  expect((await queue.health()).ok).toBe(true);
  const ofRetention = (): string[] => warnings.filter((text) => text.startsWith("Retention"));
  await until(() => ofRetention().length > 0);
  expect(ofRetention()).toEqual([expect.stringContaining(`Group "late" skipped ${all} events`)]);
});
