import Database from "better-sqlite3";
import { onTestFinished, expect, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

const EVENTS = 25_000;

/** A log of which every second event is of type A, written by plain SQL. */
async function longLog(): Promise<string> {
  const path = tempPath();
  const queue = openQueue(path, { survives: "process-crash" });
  await queue.group("all").ensure();
  await queue.group("some", { eventTypes: ["A"] }).ensure();
  const { time } = await queue.send("B", {});
  await queue.close();
  const database = new Database(path);
  database
    .prepare(
      `WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
       INSERT INTO ringrift_events (position, id, type, payload, time, source, origin, stored_at)
       SELECT n, 'id' || n, iif(n % 2 = 0, 'A', 'B'), '{}', ?, '', 'o', ? FROM numbers`,
    )
    .run(EVENTS, time, time);
  database.exec(`
    INSERT OR IGNORE INTO ringrift_event_types (type, position) SELECT type, position FROM ringrift_events;
    UPDATE ringrift_event_types_end SET position = (SELECT max(position) FROM ringrift_events);`);
  database.close();
  return path;
}

test("of all types what is pending is counted exactly, of some types up to 10,000", async () => {
  const queue = openQueue(await longLog());
  const [all, some] = await queue.groups.list();
  expect(all).toMatchObject({ name: "all", pending: EVENTS });
  expect(all).not.toHaveProperty("pendingIsAtLeast");
  expect(some).toMatchObject({ name: "some", pending: 10_000, pendingIsAtLeast: true });
  expect(await queue.groups.seek("some", { position: EVENTS - 99 })).toMatchObject({ pending: 50 });
  expect((await queue.stats()).events).toBe(EVENTS);
});

test("what a group holds back is counted exactly up to 100,000", async () => {
  const path = await longLog();
  const database = new Database(path);
  const hold = database.prepare(
    `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
     INSERT INTO ringrift_deliveries (group_id, position, attempt, key)
     SELECT (SELECT id FROM ringrift_groups WHERE name = 'all'), n + ?, 0, 'k' FROM numbers`,
  );
  database.exec(`UPDATE ringrift_groups SET cursor = ${EVENTS} WHERE name = 'all'`);
  hold.run(60_000, -200_000);
  const queue = openQueue(path);
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 60_000, inFlight: 0 });
  hold.run(50_000, -100_000);
  database.close();
  expect((await queue.groups.list())[0]).toMatchObject({
    pending: 100_000,
    pendingIsAtLeast: true,
  });
});

test("nothing is counted while the write lock is held", async () => {
  const database = new Database(await longLog());
  onTestFinished(() => void database.close());
  const inTransactions: string[] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = ((sql: string) => {
    const statement = prepare(sql);
    for (const name of ["run", "get", "all"] as const) {
      const call: (...args: unknown[]) => unknown = statement[name].bind(statement);
      const value = (...args: unknown[]): unknown => {
        inTransactions.push(sql);
        return call(...args);
      };
      Object.defineProperty(statement, name, { value });
    }
    return statement;
  }) as typeof database.prepare;
  const queue = new CrossProcessEventQueue({ database });
  onTestFinished(() => queue.close());
  await queue.group("all").ensure();
  await queue.group("some", { eventTypes: ["A"] }).ensure();
  await queue.groups.seek("some", "beginning");
  await queue.groups.configure("some", { maxAttempts: 7 });
  await expect(queue.group("new").ensure({ requireFrom: true })).rejects.toMatchObject({
    code: "GROUP_START_UNSTATED",
    message: expect.stringContaining(String(EVENTS)) as string,
  });
  await queue.group("some").receive({ limit: 1 });
  let isWriting = false;
  const counted = inTransactions.filter((sql) => {
    if (sql.startsWith("BEGIN")) isWriting = sql.startsWith("BEGIN IMMEDIATE");
    return isWriting && sql.includes("count(*)");
  });
  expect(inTransactions).toContain("BEGIN IMMEDIATE");
  expect(counted).toEqual([]);
});
