import { fdatasync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import Database from "better-sqlite3";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { openQueue, tempPath, until } from "./temp-queue.ts";

type SyncDone = (error: Error | null) => void;

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<{ fdatasync: typeof fdatasync }>();
  return { ...fs, fdatasync: vi.fn(fs.fdatasync) };
});

const disk = vi.mocked(fdatasync);

beforeEach(() => {
  disk.mockReset();
});

/** A disk whose syncs end when the test says so. */
function slowDisk(): SyncDone[] {
  const syncs: SyncDone[] = [];
  disk.mockImplementation((_descriptor, done) => void syncs.push(done));
  return syncs;
}

/** Whether a promise is still pending after everything else had its turn. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const late = new Promise((resolve) => setTimeout(() => resolve("late"), 50));
  return (await Promise.race([promise, late])) === "late";
}

test("a send resolves when the disk has it, and not before", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const syncs = slowDisk();
  const sending = queue.send("A", {});
  await until(() => syncs.length === 1);
  expect(await openQueue(path).history()).toHaveLength(1);
  expect(await isPending(sending)).toBe(true);
  syncs[0]?.(null);
  expect(await sending).toMatchObject({ position: 1 });
});

test("sends that come while the disk is busy share the next sync", async () => {
  const queue = openQueue(tempPath());
  const syncs = slowDisk();
  const first = queue.send("A", {});
  await until(() => syncs.length === 1);
  const later: Promise<unknown>[] = [];
  for (let n = 0; n < 20; n += 1) {
    later.push(queue.send("B", { n }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(async () => (await queue.history()).length === 21);
  syncs[0]?.(null);
  await first;
  await until(() => syncs.length === 2);
  expect(await isPending(Promise.race(later))).toBe(true);
  syncs[1]?.(null);
  await Promise.all(later);
  expect(syncs).toHaveLength(2);
});

test("with process-crash nothing waits for the disk", async () => {
  const queue = openQueue(tempPath(), { survives: "process-crash" });
  const syncs = slowDisk();
  await queue.sendMany([{ type: "A", payload: {} }]);
  expect(syncs).toHaveLength(0);
});

test("claims, acks and nacks don't wait for the disk", async () => {
  const queue = openQueue(tempPath());
  const group = queue.group("g");
  await queue.sendMany([1, 2].map((n) => ({ type: "A", payload: { n } })));
  await group.ensure();
  const syncs = slowDisk();
  const [first, second] = await group.receive();
  expect(await first?.ack()).toBe(true);
  expect(await second?.nack()).toBe(true);
  expect(syncs).toHaveLength(0);
});

test("a duplicate waits for the disk too: who stored it first may not have", async () => {
  const path = tempPath();
  const hasty = openQueue(path, { survives: "process-crash" });
  const { id } = await hasty.send("A", {}, { dedupeKey: "k" });
  const queue = openQueue(path);
  const syncs = slowDisk();
  const sending = queue.send("A", {}, { dedupeKey: "k" });
  await until(() => syncs.length === 1);
  expect(await isPending(sending)).toBe(true);
  syncs[0]?.(null);
  expect(await sending).toMatchObject({ id, duplicate: true });
});

test("closing waits for the disk", async () => {
  const queue = openQueue(tempPath());
  const syncs = slowDisk();
  const sending = queue.send("A", {});
  await until(() => syncs.length === 1);
  const closing = queue.close();
  expect(await isPending(closing)).toBe(true);
  syncs[0]?.(null);
  await closing;
  expect(await sending).toMatchObject({ position: 1 });
});

test("when the disk fails nothing is acknowledged, and the sync is never tried again", async () => {
  const queue = openQueue(tempPath());
  await queue.group("g").ensure();
  const consumer = queue.consume({ group: "g", onError: () => {} }, () => {});
  const stream = queue.stream({ from: "now" });
  const syncs = slowDisk();
  const first = queue.send("A", {});
  await until(() => syncs.length === 1);
  const second = queue.send("B", {});
  await until(async () => (await queue.history()).length === 2);
  syncs[0]?.(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
  await expect(first).rejects.toMatchObject({
    code: "SYNC_FAILED",
    cause: expect.objectContaining({ code: "EIO" }),
  });
  await expect(second).rejects.toMatchObject({ code: "SYNC_FAILED" });
  await expect(queue.send("C", {})).rejects.toMatchObject({ code: "SYNC_FAILED" });
  expect(syncs).toHaveLength(1);
  expect(await queue.health()).toMatchObject({ ok: false });
  expect(await consumer.ended).toMatchObject({ code: "SYNC_FAILED" });
  const pulls = Array.from({ length: 4 }, () => stream.next());
  await expect(Promise.all(pulls)).rejects.toMatchObject({ code: "SYNC_FAILED" });
});

test.each(["power-loss", "process-crash"] as const)(
  "with %s nothing is acknowledged once a second SQLite has deleted the log under us",
  async (survives) => {
    const path = tempPath();
    const queue = openQueue(path, { survives });
    await queue.send("A", {});
    // Its locks and ours are of one process, so it takes itself for the last to close the file.
    new DatabaseSync(path).close();
    const other = new DatabaseSync(path);
    other.prepare("SELECT count(*) FROM ringrift_events").get();
    other.close();
    await expect(queue.send("B", {})).rejects.toMatchObject({ code: "WAL_UNLINKED" });
    await expect(queue.send("C", {})).rejects.toMatchObject({ code: "WAL_UNLINKED" });
    const { ok, problems, details } = await queue.health();
    expect(ok).toBe(false);
    expect(details["sqliteCopies"]).toEqual([
      expect.stringMatching(/better-sqlite3/),
      "node:sqlite",
    ]);
    expect(problems.map(({ message }) => message).join(" ")).toMatch(
      /2 copies of SQLite: .*better-sqlite3.*, node:sqlite/,
    );
  },
);

test.skipIf(process.platform === "win32")(
  "nothing is acknowledged once somebody has deleted the log",
  async () => {
    const path = tempPath();
    const queue = openQueue(path);
    const { position } = await queue.send("A", {});
    rmSync(`${path}-wal`);
    await expect(queue.send("B", {})).rejects.toMatchObject({
      code: "WAL_UNLINKED",
      message: expect.stringContaining(path),
    });
    expect(position).toBe(1);
  },
);

test.skipIf(process.platform === "win32")(
  "who only waits for events is told that somebody has deleted the index of the log",
  async () => {
    const path = tempPath();
    await openQueue(path).group("g").ensure();
    const reader = openQueue(path);
    const stream = reader.stream({ from: "now" });
    const next = stream.next();
    await reader.history();
    rmSync(`${path}-shm`);
    await expect(next).rejects.toMatchObject({
      code: "WAL_UNLINKED",
      message: expect.stringContaining(path),
    });
    expect(await reader.health()).toMatchObject({ ok: false });
  },
);

describe.skipIf(process.platform === "win32").each(["power-loss", "process-crash"] as const)(
  "with %s nothing is acknowledged once somebody has",
  (survives) => {
    test.each<[string, (path: string) => void]>([
      ["deleted the file", (path) => rmSync(path)],
      ["moved it", (path) => renameSync(path, `${path}.old`)],
      ["replaced it", (path) => renameSync(`${path}.other`, path)],
    ])("%s", async (_, deed) => {
      const path = tempPath();
      const queue = openQueue(path, { survives });
      await queue.send("A", {});
      await using other = new CrossProcessEventQueue(`${path}.other`);
      await other.send("A", {});
      await other.close();
      const consumer = queue.consume({ group: "g", onError: () => {} }, () => {});
      deed(path);
      await expect(queue.send("B", {})).rejects.toMatchObject({
        code: "FILE_REPLACED",
        message: expect.stringContaining(path),
      });
      await expect(queue.send("C", {})).rejects.toMatchObject({ code: "FILE_REPLACED" });
      expect(await queue.health()).toMatchObject({ ok: false });
      expect(await consumer.ended).toMatchObject({ code: "FILE_REPLACED" });
    });
  },
);

test.each([
  ["OFF", 1],
  ["NORMAL", 1],
  ["FULL", 2],
] as const)("a handle with synchronous = %s is never set to less", async (mode, level) => {
  const database = new Database(tempPath());
  await using queue = new CrossProcessEventQueue({ database });
  await queue.send("A", {});
  database.pragma(`synchronous = ${mode}`);
  await queue.send("B", {});
  expect(database.pragma("synchronous", { simple: true })).toBe(level);
  await queue.close();
  database.close();
});
