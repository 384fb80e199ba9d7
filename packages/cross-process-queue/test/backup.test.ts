import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { openQueue, tempFolder } from "./temp-queue.ts";

/** 2 MB, so that the copy takes several steps. */
const MANY = Array.from({ length: 2_000 }, (_, n) => ({
  type: "A",
  payload: { n, text: "x".repeat(1_000) },
}));

test("a backup is a queue with all that was sent before, its groups and its dead letters", async () => {
  const folder = tempFolder();
  const queue = openQueue(join(folder, "events.db"));
  await queue.sendMany(MANY.slice(0, 10));
  const group = queue.group("g", { maxAttempts: 1 });
  const [first, second] = await group.receive({ limit: 2 });
  await first?.ack();
  await second?.nack({ reason: "no" });
  const sending = queue.send("B", {});
  const backup = await queue.backup(join(folder, "backups/one.db"));
  await sending;
  expect(backup).toEqual({
    path: join(folder, "backups/one.db"),
    bytes: statSync(join(folder, "backups/one.db")).size,
    newestPosition: 11,
  });
  const copy = openQueue(backup.path);
  expect(await copy.history()).toEqual(await queue.history());
  expect(await copy.id()).toBe(await queue.id());
  expect(await copy.groups.list()).toMatchObject([{ name: "g", pending: 9, deadLetters: 1 }]);
  expect(await copy.send("C", {})).toMatchObject({ position: 12 });
  expect(await queue.send("C", {})).toMatchObject({ position: 12 });
});

test("a backup is of one moment, though others go on writing all the time", async () => {
  const folder = tempFolder();
  const path = join(folder, "events.db");
  const queue = openQueue(path);
  const other = openQueue(path, { survives: "process-crash" });
  await queue.sendMany(MANY);
  let isDone = false;
  const writing = (async () => {
    while (!isDone) await other.sendMany(MANY.slice(0, 10));
  })();
  const { newestPosition = 0, path: copied } = await queue.backup(join(folder, "copy.db"));
  isDone = true;
  await writing;
  expect(newestPosition).toBeGreaterThanOrEqual(2_000);
  expect((await queue.stats()).newestPosition).toBeGreaterThan(newestPosition);
  const copy = openQueue(copied);
  const stats = await copy.stats();
  expect(stats).toMatchObject({ events: newestPosition, oldestPosition: 1, newestPosition });
  const database = new Database(copied);
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  database.close();
});

test("the log of the original stays where it is, and so do its events", async () => {
  const folder = tempFolder();
  const queue = openQueue(join(folder, "events.db"));
  await queue.send("A", {});
  await queue.backup(join(folder, "copy.db"));
  await queue.send("B", {});
  expect(await queue.health()).toMatchObject({ ok: true });
});

test.skipIf(process.platform === "win32")("a backup is 0600 in a folder 0700", async () => {
  const folder = tempFolder();
  const queue = openQueue(join(folder, "events.db"));
  const { path } = await queue.backup(join(folder, "deep/er/copy.db"));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "deep/er")).mode & 0o777).toBe(0o700);
});

test("an existing file is left as it is, and a backup that fails leaves nothing", async () => {
  const folder = tempFolder();
  const queue = openQueue(join(folder, "events.db"));
  writeFileSync(join(folder, "there.db"), "mine");
  await expect(queue.backup(join(folder, "there.db"))).rejects.toMatchObject({
    code: "INVALID_PATH",
  });
  await expect(queue.backup(join(folder, "events.db"))).rejects.toMatchObject({
    code: "INVALID_PATH",
  });
  await expect(queue.backup(join(folder, "there.db/copy.db"))).rejects.toMatchObject({
    code: "CANNOT_OPEN",
  });
  mkdirSync(join(folder, "empty"));
  await queue.backup(join(folder, "empty/copy.db"));
  expect(readdirSync(join(folder, "empty"))).toEqual(["copy.db"]);
});

test("a shared handle can be backed up too, with its other tables", async () => {
  const folder = tempFolder();
  const database = new Database(join(folder, "app.db"));
  database.exec("CREATE TABLE mine (n INTEGER); INSERT INTO mine VALUES (7)");
  await using queue = new CrossProcessEventQueue({ database });
  await queue.send("A", {});
  const { path } = await queue.backup(join(folder, "copy.db"));
  const copy = new Database(path);
  expect(copy.prepare("SELECT n FROM mine").pluck().get()).toBe(7);
  copy.close();
  await queue.close();
  database.close();
});

test("a file that appears while a backup is made is left as it is", async () => {
  const folder = tempFolder();
  const queue = openQueue(join(folder, "events.db"));
  await queue.sendMany(MANY);
  const target = join(folder, "copy.db");
  const backup = queue.backup(target);
  backup.catch(() => {});
  // Each turn: on a quick disk a backup takes a few ms.
  while (!readdirSync(folder).some((name) => name.endsWith(".partial"))) await setImmediate();
  writeFileSync(target, "precious");
  await expect(backup).rejects.toMatchObject({ code: "INVALID_PATH" });
  expect(readFileSync(target, "utf8")).toBe("precious");
  expect(readdirSync(folder).filter((name) => name.includes(".partial"))).toEqual([]);
});

test("of two backups to one path one is made, and the other refused", async () => {
  const folder = tempFolder();
  const queue = openQueue(join(folder, "events.db"));
  await queue.sendMany(MANY.slice(0, 10));
  const target = join(folder, "copy.db");
  const results = await Promise.allSettled([queue.backup(target), queue.backup(target)]);
  expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(results.find(({ status }) => status === "rejected")).toMatchObject({
    reason: { code: "INVALID_PATH" },
  });
  expect(await openQueue(target).history()).toHaveLength(10);
});

test("a link that leads nowhere is no place for a backup", async () => {
  const folder = tempFolder();
  const elsewhere = tempFolder();
  const queue = openQueue(join(folder, "events.db"));
  await queue.send("A", {});
  symlinkSync(join(elsewhere, "made.db"), join(folder, "copy.db"));
  await expect(queue.backup(join(folder, "copy.db"))).rejects.toMatchObject({
    code: "INVALID_PATH",
  });
  expect(readdirSync(elsewhere)).toEqual([]);
});
