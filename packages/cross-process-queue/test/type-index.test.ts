import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { CrossProcessEventQueue } from "../src/index.ts";
import { SQL } from "../src/schema/statements.ts";
import { openQueue, tempPath, until } from "./temp-queue.ts";

/** Several blocks of the index. */
const EVENTS = 1_200;
const TYPES = ["A", "B", "C", "RARE"];

function rawly(path: string): Database.Database {
  const database = new Database(path);
  onTestFinished(() => {
    database.close();
  });
  return database;
}

function events(count: number, typeOf: (n: number) => string): { type: string; payload: number }[] {
  return Array.from({ length: count }, (_, n) => ({ type: typeOf(n), payload: n }));
}

function number(database: Database.Database, sql: string): number {
  return Number(database.prepare(sql).pluck().get() ?? 0);
}

const end = (database: Database.Database): number =>
  number(database, "SELECT position FROM ringrift_event_types_end");

/** What the index says is what the log says, up to its end; and that isn't beyond the log's. */
function expectTrue(database: Database.Database): void {
  const entries = database.prepare(
    "SELECT type, position FROM ringrift_event_types ORDER BY position",
  );
  const log = database.prepare(
    "SELECT type, position FROM ringrift_events WHERE position <= ? ORDER BY position",
  );
  expect(entries.all()).toEqual(log.all(end(database)));
  expect(end(database)).toBeLessThanOrEqual(
    number(database, "SELECT ifnull(max(position), 0) FROM ringrift_events"),
  );
}

/** Reads by type, however they are made, find what a look at all of the log finds. */
async function expectSame(queue: CrossProcessEventQueue): Promise<void> {
  const all = await queue.history({ limit: 10_000 });
  for (const eventTypes of [["A"], ["RARE"], ["B", "RARE"], ["NONE"]]) {
    const expected = all.filter(({ type }) => eventTypes.includes(type));
    const positions = expected.map(({ position }) => position);
    const found = await queue.history({ eventTypes, limit: 10_000 });
    expect(found.map(({ position }) => position)).toEqual(positions);
    const after = positions[Math.floor(positions.length / 2)] ?? 0;
    const some = await queue.history({ eventTypes, after, limit: 7 });
    expect(some.map(({ position }) => position)).toEqual(
      positions.filter((position) => position > after).slice(0, 7),
    );
    const group = `all-of-${eventTypes.join("-")}`;
    await queue.group(group, { eventTypes }).ensure();
    await queue.groups.seek(group, { position: after + 1 });
    const info = (await queue.groups.list()).find(({ name }) => name === group);
    expect(info?.pending).toBe(positions.filter((position) => position > after).length);
  }
}

test("a commit of one event doesn't write the index, and a block later it has every event", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("A", 0);
  const database = rawly(path);
  expect(end(database)).toBe(0);
  for (let n = 0; n < 255; n += 1) await queue.send(TYPES[n % 4] ?? "", n);
  expect(end(database)).toBe(256);
  await queue.sendMany(events(EVENTS, (n) => TYPES[n % 4] ?? ""));
  expect(end(database)).toBe(256 + EVENTS);
  expectTrue(database);
  await expectSame(queue);
});

test("a group of one type has each of its events once and in order, while the index moves on", async () => {
  const queue = openQueue(tempPath());
  const seen: unknown[] = [];
  const consumer = queue.consume({ group: "rare", eventTypes: ["RARE"] }, ({ payload }) => {
    seen.push(payload);
  });
  const expected: number[] = [];
  for (let n = 0; n < EVENTS; n += 1) {
    const isRare = n % 50 === 7;
    if (isRare) expected.push(n);
    await queue.send(isRare ? "RARE" : "A", n);
  }
  await until(() => seen.length >= expected.length);
  expect(seen).toEqual(expected);
  await consumer.stop();
});

test("what is rolled back in the middle of a block isn't in the index", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.sendMany(events(300, () => "A"));
  await expect(
    queue.transaction((tx) => {
      for (let n = 0; n < EVENTS; n += 1) tx.send("RARE", n);
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  for (let n = 0; n < 600; n += 1) await queue.send("B", n);
  const database = rawly(path);
  expect(number(database, "SELECT count(*) FROM ringrift_event_types WHERE type = 'RARE'")).toBe(0);
  expect(end(database)).toBeGreaterThan(300);
  expectTrue(database);
  await expectSame(queue);
});

test("what somebody appends who enters nothing is found at once, and indexed by a sweep", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.sendMany(events(10, () => "RARE"));
  const database = rawly(path);
  const before = end(database);
  const insert = database.prepare(
    `INSERT INTO ringrift_events (position, id, type, payload, time, source, origin, stored_at)
     VALUES (?, ?, ?, '{}', 0, '', '', ${Date.now()})`,
  );
  for (let n = 0; n < 3 * EVENTS; n += 1) insert.run(11 + n, `raw-${n}`, TYPES[n % 4]);
  expect(end(database)).toBe(before);
  await expectSame(queue);
  await until(async () => {
    await queue.stats();
    return end(database) > 2 * EVENTS;
  });
  expectTrue(database);
  await expectSame(queue);
});

test("retention takes out of the index what it takes out of the log", async () => {
  const path = tempPath();
  const queue = openQueue(path, { retentionEvents: 500 });
  await queue.sendMany(events(EVENTS, (n) => TYPES[n % 4] ?? ""));
  const database = rawly(path);
  await until(async () => {
    await queue.stats();
    return number(database, "SELECT count(*) FROM ringrift_events") === 500;
  });
  expect(number(database, "SELECT count(*) FROM ringrift_event_types")).toBe(500);
  expectTrue(database);
  await expectSame(queue);
});

test("a log that somebody has emptied by hand is indexed from its new beginning", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.sendMany(events(EVENTS, () => "A"));
  const database = rawly(path);
  database.exec("DELETE FROM ringrift_events WHERE position > 100");
  expect(end(database)).toBe(100);
  expectTrue(database);
  database.exec("DELETE FROM ringrift_events");
  expect(end(database)).toBe(0);
  for (let n = 0; n < 300; n += 1) await queue.send("RARE", n);
  expectTrue(database);
  await expectSame(queue);
});

test("an entry whose event is gone hides none of those behind it", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.sendMany(events(EVENTS, () => "A"));
  // As when a bit of the type flips, and retention comes to it.
  rawly(path).exec(`
    UPDATE ringrift_events SET type = 'Q' WHERE position BETWEEN 11 AND 30;
    DELETE FROM ringrift_events WHERE position BETWEEN 11 AND 30;`);
  const seen: number[] = [];
  while (seen.length < EVENTS - 20) {
    const received = await queue.receive({ eventTypes: ["A"], limit: 20 });
    expect(received.length).toBeGreaterThan(0);
    seen.push(...received.map(({ position }) => position));
  }
  expect(seen).toEqual([
    ...Array.from({ length: 10 }, (_, n) => n + 1),
    ...Array.from({ length: EVENTS - 30 }, (_, n) => n + 31),
  ]);
});

test("whatever is sent, deleted and left to gaps: reads by type find what a look at all of the log finds", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("send" as const), count: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ kind: fc.constant("delete" as const), count: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ kind: fc.constant("gap" as const), count: fc.integer({ min: 1, max: 700 }) }),
    fc.record({ kind: fc.constant("alone" as const), count: fc.integer({ min: 1, max: 20 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
      const path = tempPath();
      const queue = openQueue(path);
      await queue.send("A", 0);
      const database = rawly(path);
      const insert = database.prepare(`
        INSERT INTO ringrift_events (position, id, type, payload, time, source, origin, stored_at)
        SELECT max(position) + ?, 'by-hand-' || (max(position) + 1), 'RARE', '0', 0, '', '', max(stored_at)
        FROM ringrift_events`);
      const remove = database.prepare(`
        DELETE FROM ringrift_events WHERE position IN (
          SELECT position FROM ringrift_events ORDER BY position LIMIT ?)
        AND position < (SELECT max(position) FROM ringrift_events)`);
      for (const [number, { kind, count }] of steps.entries()) {
        if (kind === "gap") insert.run(count);
        else if (kind === "delete") remove.run(count);
        else if (kind === "send") {
          await queue.sendMany(events(count, (n) => TYPES[(n * 7 + number) % 4] ?? ""));
        } else for (let n = 0; n < count; n += 1) await queue.send(TYPES[n % 4] ?? "", n);
        expectTrue(database);
      }
      await expectSame(queue);
      database.close();
      await queue.close();
    }),
    { numRuns: 12 },
  );
});

test("the index is searched for its types, and the log for what lies behind its end only", async () => {
  const path = tempPath();
  await openQueue(path).send("A", 0);
  const database = rawly(path);
  const plan = (sql: string): string[] =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...Array.from(sql.matchAll(/\?/g), () => 1))
      // The cast is safe: what SQLite selects there.
      .map((row) => (row as { detail: string }).detail);
  const byType =
    "SEARCH ringrift_event_types USING PRIMARY KEY (type=? AND position>? AND position<?)";
  const behind = "SEARCH ringrift_events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
  expect(plan(SQL.positionsOfType)).toEqual([byType]);
  expect(plan(SQL.countOfType)).toContain(byType);
  for (const sql of [SQL.eventsOfTypesBetween, SQL.countOfTypesBetween, SQL.enterTypes]) {
    expect(plan(sql)).toContain(behind);
    expect(
      plan(sql).filter((detail) => /SCAN (?!json_each|\(subquery)|TEMP B-TREE/.test(detail)),
    ).toEqual([]);
  }
});
