import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { QueueError } from "@ringrift/event-queue";
import { expect, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { MIGRATIONS } from "../src/schema/migrations.ts";
import { openQueue, tempFolder, tempPath } from "./temp-queue.ts";

const codeOf = (construct: () => unknown): string | undefined => {
  try {
    construct();
  } catch (error) {
    if (error instanceof QueueError) return error.code;
    throw error;
  }
  return undefined;
};

test("constructing a queue does no I/O", async () => {
  const path = join(tempFolder(), "folder", "events.db");
  await openQueue(path).close();
  expect(existsSync(dirname(path))).toBe(false);
});

test.each(["file:events.db", "FILE:///tmp/x.db?nolock=1", " file:x", "", "  ", ":memory:", "a\0b"])(
  "the path %j is refused at once",
  (path) => {
    expect(codeOf(() => new CrossProcessEventQueue(path))).toBe("INVALID_PATH");
  },
);

test("a database in memory is refused, and the message says what to use", () => {
  expect(() => new CrossProcessEventQueue(":memory:")).toThrow(/MemoryEventQueue/);
  const database = new Database(":memory:");
  expect(() => new CrossProcessEventQueue({ database })).toThrow(/MemoryEventQueue/);
  database.close();
});

test("a misspelt option is refused, and the message says what was meant", () => {
  const options = { retentionMS: 5 };
  expect(() => new CrossProcessEventQueue("x.db", options as object)).toThrow(/"retentionMs"/);
});

test("both forms of the constructor open the same file", async () => {
  const path = tempPath();
  const positional = openQueue(path, { source: "trainer" });
  await positional.send("A", {});
  await using named = new CrossProcessEventQueue({ dbPath: path, source: "evaluator" });
  await named.send("B", {});
  expect((await positional.history()).map(({ source }) => source)).toEqual([
    "trainer",
    "evaluator",
  ]);
});

test.skipIf(process.platform === "win32")("files are made 0600 in a folder 0700", async () => {
  const path = join(tempFolder(), "data", "events.db");
  const queue = openQueue(path);
  await queue.send("A", {});
  await queue.receive({ waitMs: 1 });
  const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);
  expect(mode(dirname(path))).toBe("700");
  const files = ["", "-wal", "-shm", ".bell"].map((suffix) => mode(`${path}${suffix}`));
  expect(files).toEqual(["600", "600", "600", "600"]);
});

test("a file is opened with what guards against files that others made", async () => {
  const queue = openQueue(tempPath());
  const pragma = (name: string): Promise<unknown> =>
    queue.transaction((tx) => Object.values(tx.database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const names = ["trusted_schema", "cell_size_check", "mmap_size", "synchronous", "journal_mode"];
  expect(await Promise.all(names.map(pragma))).toEqual([0, 1, 0, 1, "wal"]);
});

test("macOS is asked for real syncs, on a handle of somebody else too", async () => {
  const path = tempPath();
  const own = openQueue(path);
  const database = new Database(path);
  const shared = new CrossProcessEventQueue({ database });
  for (const queue of [own, shared]) {
    for (const name of ["fullfsync", "checkpoint_fullfsync"]) {
      const row = await queue.transaction((tx) => tx.database.prepare(`PRAGMA ${name}`).get());
      expect(row).toEqual({ [name]: 1 });
    }
  }
  await shared.close();
  database.close();
});

test.runIf(process.platform === "linux")(
  "nothing that a queue does drops the locks that it holds on its file",
  async () => {
    const path = tempPath();
    const queue = openQueue(path);
    await queue.send("A", {});
    const { ino } = statSync(`${path}-shm`);
    const locks = (): string[] =>
      readFileSync("/proc/locks", "utf8")
        .split("\n")
        .filter((line) => line.includes(`:${ino} `))
        .map((line) => line.replace(/^\d+: /, ""));
    const before = locks();
    expect(before.length).toBeGreaterThan(0);
    // All that looks at files: statistics, health, backups, other instances, closing one of them.
    await queue.stats();
    await queue.health();
    await queue.backup(`${path}.copy`);
    const other = openQueue(path);
    await other.receive({ waitMs: 1 });
    await other.send("A", {});
    await other.close();
    await queue.receive({ waitMs: 1 });
    expect(locks()).toEqual(before);
  },
);

test("a path through a symbolic link is the same queue, doorbell included", async () => {
  const path = tempPath();
  const link = join(dirname(path), "link");
  symlinkSync(dirname(path), link);
  const queue = openQueue(path);
  await queue.send("A", {});
  const other = openQueue(join(link, "events.db"));
  expect(await other.receive()).toHaveLength(1);
  await other.receive({ waitMs: 1 });
  expect(existsSync(`${path}.bell`)).toBe(true);
});

test("a database of something else is refused and stays as it is", async () => {
  const path = tempPath();
  const database = new Database(path);
  database.exec("CREATE TABLE mine (x)");
  await expect(openQueue(path).send("A", {})).rejects.toMatchObject({
    code: "NOT_A_QUEUE",
    message: expect.stringContaining('"database"'),
  });
  expect(database.pragma("journal_mode", { simple: true })).toBe("delete");
  expect(database.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "mine" }]);
  database.close();
});

test("a file that is no database is refused with NOT_A_QUEUE", async () => {
  const path = tempPath();
  writeFileSync(path, "Dear diary, ".repeat(1000));
  await expect(openQueue(path).send("A", {})).rejects.toMatchObject({ code: "NOT_A_QUEUE" });
});

test("a folder in place of the file gives CANNOT_OPEN", async () => {
  const path = tempPath();
  mkdirSync(path);
  await expect(openQueue(path).send("A", {})).rejects.toMatchObject({ code: "CANNOT_OPEN" });
});

test("a call after a failed opening tries again", async () => {
  const path = tempPath();
  mkdirSync(path);
  const queue = openQueue(path);
  await expect(queue.send("A", {})).rejects.toMatchObject({ code: "CANNOT_OPEN" });
  rmdirSync(path);
  expect(await queue.send("A", {})).toMatchObject({ position: 1 });
});

test("an empty file is made a queue", async () => {
  const path = tempPath();
  writeFileSync(path, "");
  expect(await openQueue(path).send("A", {})).toMatchObject({ position: 1 });
});

test("instances that open a new file at the same time all get it", async () => {
  const path = tempPath();
  const queues = Array.from({ length: 8 }, () => openQueue(path));
  const sent = await Promise.all(queues.map((queue, n) => queue.send("A", { n })));
  expect(new Set(sent.map(({ position }) => position))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
});

test("health of a queue that can't be opened resolves and says why", async () => {
  const path = tempPath();
  writeFileSync(path, "Dear diary, ".repeat(1000));
  const health = await openQueue(path).health();
  expect(health).toMatchObject({
    ok: false,
    problems: [{ message: expect.stringContaining(path) }],
  });
});

test("health of a queue that works has the facts of the file", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.group("g").ensure();
  await queue.send("A", {});
  expect(await queue.health()).toMatchObject({
    ok: true,
    problems: [],
    backend: expect.stringMatching(/^sqlite 3\./),
    details: {
      path,
      schemaVersion: MIGRATIONS.length,
      journalMode: "wal",
      lag: { g: { pending: 1, ageMs: expect.any(Number), skipped: 0 } },
    },
  });
});
