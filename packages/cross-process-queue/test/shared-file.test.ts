import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

/** Names that somebody might give their own tables, indices and triggers. */
const NAMES = ["events", "groups", "leases", "deliveries", "claims", "schema", "event_types"];
const USER_VERSION = 7;
const APPLICATION_ID = 0x1234;

function openDatabase(path: string): Database.Database {
  const database = new Database(path);
  onTestFinished(() => {
    database.close();
  });
  return database;
}

function makeOwnTables(database: Database.Database): void {
  for (const name of NAMES) {
    database.exec(`
      CREATE TABLE ${name} (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT);
      CREATE INDEX ${name}_by_title ON ${name} (title);
      INSERT INTO ${name} (title) VALUES ('of ${name}')`);
  }
  database.exec("CREATE TRIGGER event_deleted AFTER DELETE ON events BEGIN SELECT 1; END");
  database.pragma(`user_version = ${USER_VERSION}`);
  database.pragma(`application_id = ${APPLICATION_ID}`);
}

function expectOwnTables(database: Database.Database): void {
  expect(database.pragma("user_version", { simple: true })).toBe(USER_VERSION);
  expect(database.pragma("application_id", { simple: true })).toBe(APPLICATION_ID);
  for (const name of NAMES) {
    expect(database.prepare(`SELECT * FROM ${name}`).all()).toEqual([
      { id: 1, title: `of ${name}` },
    ]);
  }
}

/** Sends, delivers, fails, delays and sweeps: whatever uses a table of the queue's. */
async function work(queue: CrossProcessEventQueue): Promise<void> {
  await queue.send("A", { n: 1 }, { key: "k", dedupeKey: "d" });
  await queue.send("LATER", {}, { delayMs: 60_000 });
  const group = queue.group("workers", { maxAttempts: 1 });
  const [event] = await group.receive();
  expect(event?.payload).toEqual({ n: 1 });
  await event?.nack({ reason: "no" });
  expect(await queue.deadLetters.list()).toHaveLength(1);
  await queue.groups.seek("workers", "beginning");
  const [again] = await group.receive();
  expect(await again?.ack()).toBe(true);
  expect(await queue.history({ eventTypes: ["A"] })).toHaveLength(1);
  expect(await queue.health()).toMatchObject({ ok: true });
}

test("a queue works among the tables of an application that was there first, and leaves all of it alone", async () => {
  const path = tempPath();
  const database = openDatabase(path);
  makeOwnTables(database);
  const queue = new CrossProcessEventQueue({ database });
  await work(queue);
  await queue.close();
  expectOwnTables(database);
  // What is a queue once is one for those who only know its path.
  expect(await openQueue(path).history()).toHaveLength(1);
});

test("an application makes its tables and marks in a file that a queue was in first, and both work", async () => {
  const path = tempPath();
  const first = openQueue(path);
  await first.stats();
  const database = openDatabase(path);
  makeOwnTables(database);
  await work(first);
  const queue = new CrossProcessEventQueue({ database });
  expect(await queue.history()).toHaveLength(1);
  await queue.close();
  expectOwnTables(database);
  await openQueue(path).send("B", {});
  expectOwnTables(database);
});

test("everything of the queue's is called ringrift_…, and its file has no marks in its header", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await work(queue);
  const database = openDatabase(path);
  const names = database.prepare("SELECT name FROM sqlite_schema").pluck().all() as string[];
  expect(names.length).toBeGreaterThan(10);
  // Those that SQLite makes for UNIQUE and AUTOINCREMENT are called after the table, or are shared by all.
  const others = names.filter((name) => !/^(?:sqlite_autoindex_)?ringrift_/.test(name));
  expect(others).toEqual(["sqlite_sequence"]);
  expect(database.pragma("user_version", { simple: true })).toBe(0);
  expect(database.pragma("application_id", { simple: true })).toBe(0);
});

test("an application may vacuum the file while the queue is in it", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await work(queue);
  const database = openDatabase(path);
  makeOwnTables(database);
  database.exec("DELETE FROM leases; VACUUM");
  const { position } = await queue.send("C", {});
  expect((await queue.history()).map(({ type }) => type)).toEqual(["A", "C"]);
  expect((await queue.group("workers").receive()).map((event) => event.position)).toEqual([
    position,
  ]);
});

test("the schema of a file is on one page, for the sake of what salvageQueue can find", async () => {
  const path = tempPath();
  await openQueue(path).send("A", {});
  const database = openDatabase(path);
  const pages = database.prepare("SELECT count(*) FROM dbstat WHERE name = 'sqlite_schema'");
  expect(pages.pluck().get()).toBe(1);
});

test("a handle that nobody else could share the file with is refused", async () => {
  const database = openDatabase(tempPath());
  database.pragma("locking_mode = EXCLUSIVE");
  await using queue = new CrossProcessEventQueue({ database });
  await expect(queue.send("A", {})).rejects.toMatchObject({
    code: "CANNOT_OPEN",
    message: expect.stringContaining("locking_mode = EXCLUSIVE"),
  });
  // Nothing was made in it.
  expect(database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get()).toBe(0);
});
