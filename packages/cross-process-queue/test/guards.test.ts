import { existsSync, type StatsFs, statfsSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, expect, test, vi } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { Child } from "./process/child.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<{ statfsSync: typeof statfsSync }>();
  return { ...fs, statfsSync: vi.fn(fs.statfsSync) };
});

afterEach(() => {
  vi.mocked(statfsSync).mockRestore();
});

test.each(["20.20.2", "22.18.0"])(
  "on Node.js %s it says so, before it loads anything native",
  async (node) => {
    const path = tempPath();
    const child = new Child("pretender", { path, node });
    const { code, text } = await child.line(({ kind }) => kind === "failed");
    expect(code).toBe("NODE_TOO_OLD");
    expect(text).toContain(`"${node}"`);
    expect(existsSync(path)).toBe(false);
  },
);

test("without better-sqlite3 it says how to install it", async () => {
  const child = new Child("pretender", { path: tempPath(), driver: false });
  const { code, text } = await child.line(({ kind }) => kind === "failed");
  expect(code).toBe("DRIVER_MISSING");
  expect(text).toContain("npm install better-sqlite3@13");
});

test.each(["3.51.2", "3.46.1", "2.99.9"])("SQLite %s is refused", async (version) => {
  const real = new Database(tempPath());
  const old = {
    name: real.name,
    open: true,
    inTransaction: false,
    readonly: false,
    memory: false,
    exec: (sql: string) => real.exec(sql),
    pragma: (source: string) => real.pragma(source, { simple: true }),
    close: () => real.close(),
    backup: (path: string) => real.backup(path),
    prepare: (sql: string) =>
      real.prepare(sql.includes("sqlite_version()") ? `SELECT '${version}' AS version` : sql),
  };
  const queue = new CrossProcessEventQueue({ database: old });
  await expect(queue.send("A", {})).rejects.toMatchObject({
    code: "SQLITE_TOO_OLD",
    message: expect.stringContaining(`"${version}"`),
  });
  await queue.close();
  real.close();
});

test.runIf(process.platform === "linux").each([
  ["NFS", 0x6969],
  ["SMB2", 0xfe534d42],
  // As a 32-bit system gives it.
  ["CIFS", 0xff534d42 | 0],
])("a file on %s is refused before anything is made", async (name, type) => {
  const path = tempPath();
  vi.mocked(statfsSync).mockReturnValue({ type } as StatsFs);
  await expect(openQueue(path).send("A", {})).rejects.toMatchObject({
    code: "NETWORK_FILE_SYSTEM",
    message: expect.stringContaining(name),
  });
  expect(existsSync(path)).toBe(false);
});

test("health() says so when a volume has no room for what is put aside", async () => {
  const queue = openQueue(tempPath());
  await queue.send("A", {});
  const spare = (mebibytes: number): void => {
    const blocks = { bavail: mebibytes, bsize: 2 ** 20 };
    vi.mocked(statfsSync).mockReturnValue({ type: 0xef53, ...blocks } as StatsFs);
  };
  spare(20);
  const { ok, problems } = await queue.health();
  expect(ok).toBe(true);
  expect(problems).toMatchObject([{ code: "NO_RESERVE", severity: "warning" }]);
  spare(10);
  expect((await queue.health()).problems).toMatchObject([{ code: "DISK_NEARLY_FULL" }]);
  spare(100);
  expect((await queue.health()).problems).toEqual([]);
});
