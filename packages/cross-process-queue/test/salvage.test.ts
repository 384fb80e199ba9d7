import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import type { StoredEvent } from "@ringrift/event-queue";
import { PermanentError } from "@ringrift/event-queue";
import { beforeAll, describe, expect, test } from "vitest";
import { CrossProcessEventQueue, salvageQueue, type SalvageReport } from "../src/index.ts";
import { openQueue, tempFolder, tempPath } from "./temp-queue.ts";

const PAGE = 4096;
const COUNT = 600;

/** A queue of some hundred events with everything that a queue can have, closed; and what was in it. */
interface Original {
  readonly bytes: Buffer;
  readonly log: readonly StoredEvent[];
  readonly id: string;
}

async function makeOriginal(): Promise<Original> {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-salvage-"));
  const path = join(folder, "events.db");
  const queue = new CrossProcessEventQueue(path);
  const group = queue.group("g", { expireAfterMs: 8_640_000_000 });
  for (let n = 0; n < COUNT; n += 100) {
    await queue.sendMany(
      Array.from({ length: 100 }, (_, index) => ({
        type: index % 2 === 0 ? "EVEN" : "ODD",
        payload: { n: n + index, padding: "x".repeat(index) },
        headers: { h: "1" },
      })),
    );
  }
  const [dead, ...others] = await group.receive({ limit: 100 });
  await dead?.nack({ reason: new PermanentError("no") });
  for (const event of others.slice(0, 49)) await event.ack();
  await queue.send("LATER", {}, { delayMs: 60_000 });
  await queue.send("ONCE", {}, { dedupeKey: "once" });
  const log = await queue.history({ limit: 10_000 });
  const id = await queue.id();
  await queue.close();
  const bytes = readFileSync(path);
  rmSync(folder, { recursive: true });
  return { bytes, log, id };
}

let original: Original;
beforeAll(async () => {
  original = await makeOriginal();
});

/** The original with something done to it. */
function damagedCopy(damage: (bytes: Buffer) => Buffer): string {
  const path = tempPath();
  writeFileSync(path, damage(Buffer.from(original.bytes)));
  return path;
}

async function salvage(path: string): Promise<{ report: SalvageReport; target: string }> {
  const target = join(tempFolder(), "salvaged.db");
  return { report: await salvageQueue(path, target), target };
}

/** What is in the salvaged queue is what was stored, and what is missing is in the report. */
async function expectHonest({
  report,
  target,
}: Awaited<ReturnType<typeof salvage>>): Promise<void> {
  const queue = openQueue(target);
  const salvaged = await queue.history({ limit: 10_000 });
  const broken = new Set(report.broken);
  expect(report.events).toBe(salvaged.length + broken.size);
  const byPosition = new Map(salvaged.map((event) => [event.position, event]));
  for (const event of original.log) {
    const { position } = event;
    const found = byPosition.get(position);
    if (found !== undefined) expect(found).toEqual(event);
    else if (!broken.has(position)) {
      expect(report.lost.some(({ from, to }) => from <= position && position <= to)).toBe(true);
    }
  }
  // Positions go on above what was given.
  const { position } = await queue.send("NEXT", {});
  if (report.events > 0) expect(position).toBeGreaterThan(salvaged.at(-1)?.position ?? 0);
}

test("of a sound queue everything is brought over", async () => {
  const { report, target } = await salvage(damagedCopy((bytes) => bytes));
  expect(report).toEqual({
    path: target,
    events: COUNT + 1,
    broken: [],
    lost: [],
    groups: 1,
    restartedGroups: [],
    deadLetters: 1,
    delayed: 1,
    damagedTables: [],
    otherTables: [],
  });
  const queue = openQueue(target);
  expect(await queue.history({ limit: 10_000 })).toEqual(original.log);
  expect(await queue.groups.list()).toMatchObject([{ name: "g", pending: COUNT + 1 - 50 }]);
  expect(await queue.send("ONCE", {}, { dedupeKey: "once" })).toMatchObject({ duplicate: true });
  expect(await queue.stats()).toMatchObject({ delayed: 1, deadLetters: 1 });
  expect(await queue.id()).toBe(original.id);
  expect(statSync(target).mode & 0o777).toBe(0o600);
});

describe("64 bytes written over the beginning of any page", () => {
  test(
    "are noticed, or nothing is missing; and all else is salvaged",
    { timeout: 60_000 },
    async () => {
      const pages = original.bytes.length / PAGE;
      let worst = 0;
      for (let page = 0; page < pages; page += 1) {
        const path = damagedCopy((bytes) => {
          randomBytes(64).copy(bytes, page * PAGE);
          return bytes;
        });
        const damaged = new CrossProcessEventQueue(path);
        const read = await damaged.history({ limit: 10_000 }).catch((error: unknown) => error);
        if (Array.isArray(read)) expect(read).toEqual(original.log);
        else {
          expect(read).toMatchObject({
            code: page === 0 ? "NOT_A_QUEUE" : "QUEUE_DAMAGED",
            message: expect.stringContaining("salvageQueue"),
          });
        }
        await damaged.close();
        const result = await salvage(path);
        await expectHonest(result);
        if (result.report.damagedTables.includes("ringrift_deliveries")) {
          expect(result.report.restartedGroups).toEqual(["g"]);
        }
        // The pages that lead to others are few: most damage is to a page of some rows.
        if (page > 24) worst = Math.max(worst, COUNT - result.report.events);
      }
      expect(worst).toBeLessThan(40);
    },
  );
});

test(
  "zeros over the end of any page are noticed, or nothing is missing",
  { timeout: 60_000 },
  async () => {
    for (let page = 0; page < original.bytes.length / PAGE; page += 1) {
      const path = damagedCopy((bytes) =>
        bytes.fill(0, (page + 1) * PAGE - 700, (page + 1) * PAGE),
      );
      const damaged = new CrossProcessEventQueue(path);
      const read = await damaged.history({ limit: 10_000 }).catch((error: unknown) => error);
      if (!Array.isArray(read)) expect(read).toMatchObject({ code: "QUEUE_DAMAGED" });
      else if (read.length < original.log.length) {
        expect((await damaged.stats()).dropped["corrupt"]).toBeGreaterThan(0);
      } else expect(read).toEqual(original.log);
      await damaged.close();
      await expectHonest(await salvage(path));
    }
  },
);

test("of a file cut in half, what is before the cut is salvaged", async () => {
  const path = damagedCopy((bytes) => bytes.subarray(0, bytes.length / 2 + 100));
  await expect(openQueue(path).history()).rejects.toMatchObject({ code: "QUEUE_DAMAGED" });
  const result = await salvage(path);
  expect(result.report.events).toBeGreaterThan(100);
  await expectHonest(result);
});

test("of garbage nothing is, and the report says so", async () => {
  const path = damagedCopy((bytes) => randomBytes(bytes.length));
  await expect(openQueue(path).history()).rejects.toMatchObject({ code: "NOT_A_QUEUE" });
  const before = readFileSync(path);
  const { report } = await salvage(path);
  expect(report).toMatchObject({ events: 0, groups: 0, deadLetters: 0 });
  expect(report.lost).toEqual([{ from: 1, to: expect.any(Number) }]);
  expect(report.damagedTables).toEqual(
    expect.arrayContaining(["ringrift_events", "ringrift_groups"]),
  );
  expect(readFileSync(path)).toEqual(before);
});

test("an event with a flipped bit is kept, as a dead letter with its text", async () => {
  const at = original.bytes.indexOf('"n":444');
  const path = damagedCopy((bytes) => {
    bytes[at + 4] = (bytes[at + 4] ?? 0) ^ 1;
    return bytes;
  });
  const { report, target } = await salvage(path);
  expect(report).toMatchObject({ events: COUNT + 1, broken: [445], lost: [] });
  const group = openQueue(target).group("other", { from: { position: 445 } });
  const [next] = await group.receive({ limit: 1 });
  expect(next?.position).toBe(446);
  const [letter] = await openQueue(target).deadLetters.list({ group: "other" });
  expect(letter).toMatchObject({ position: 445, payload: expect.stringContaining('"n":544') });
});

test("what was committed and not yet taken into the database is salvaged too", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("TICK", { n: 1 });
  const crashed = tempPath();
  // By another process, whose descriptors drop no locks of this one.
  for (const end of ["", "-wal"]) execFileSync("cp", [`${path}${end}`, `${crashed}${end}`]);
  const { report } = await salvage(crashed);
  expect(report).toMatchObject({ events: 1, lost: [] });
});

test("tables of somebody else are named, and left to them", async () => {
  const path = tempPath();
  const database = new Database(path);
  const queue = new CrossProcessEventQueue({ database });
  await queue.send("TICK", {});
  database.exec("CREATE TABLE orders (id TEXT)");
  await queue.close();
  database.close();
  expect((await salvage(path)).report).toMatchObject({ events: 1, otherTables: ["orders"] });
});

test("it takes no file that isn't there, and no target that is", async () => {
  const path = damagedCopy((bytes) => bytes);
  const missing = join(dirname(path), "missing.db");
  await expect(salvageQueue(missing, tempPath())).rejects.toMatchObject({ code: "INVALID_PATH" });
  await expect(salvageQueue(path, path)).rejects.toMatchObject({ code: "INVALID_PATH" });
});

test("what derives the ids of handlers' children is salvaged as well", async () => {
  const path = damagedCopy((bytes) => bytes);
  const { target } = await salvage(path);
  const [before, after] = [path, target].map((file) => {
    const database = new Database(file, { readonly: true });
    const secret: unknown = database.prepare("SELECT secret FROM ringrift_fence").pluck().get();
    database.close();
    return secret;
  });
  expect(before).toHaveLength(32);
  expect(after).toEqual(before);
});

describe("a file that this process has open", () => {
  const target = (): string => join(tempFolder(), "salvaged.db");

  test("is refused, and keeps its locks", async () => {
    const path = tempPath();
    const queue = openQueue(path);
    await queue.send("A", {});
    await expect(salvageQueue(path, target())).rejects.toMatchObject({
      code: "QUEUE_BUSY",
      message: expect.stringContaining("open in this process"),
    });
    // Whoever closes the file last takes its write-ahead log away: were the locks gone, this would be the last one.
    const code = `const d = new (require("better-sqlite3"))(${JSON.stringify(path)}); d.exec("CREATE TABLE mine (n)"); d.close();`;
    execFileSync(process.execPath, ["-e", code], { cwd: import.meta.dirname });
    expect(await queue.send("B", {})).toMatchObject({ position: 2 });
  });

  test("is refused also under another name of it, and salvaged once it is closed", async () => {
    const path = tempPath();
    const queue = openQueue(path);
    await queue.send("A", {});
    const other = join(tempFolder(), "folder");
    symlinkSync(dirname(path), other);
    const from = join(other, "events.db");
    await expect(salvageQueue(from, target())).rejects.toMatchObject({ code: "QUEUE_BUSY" });
    await queue.close();
    expect(await salvageQueue(from, target())).toMatchObject({ events: 1, lost: [] });
  });

  test.runIf(process.platform === "linux")(
    "is refused also if it isn't a queue's handle that has it open",
    async () => {
      const path = damagedCopy((bytes) => bytes);
      const database = new Database(path);
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
      await expect(salvageQueue(path, target())).rejects.toMatchObject({ code: "QUEUE_BUSY" });
      database.close();
      expect(await salvageQueue(path, target())).toMatchObject({ lost: [] });
    },
  );
});

test("a sound queue without events isn't reported as damaged", async () => {
  const path = tempPath();
  const queue = new CrossProcessEventQueue(path);
  await queue.group("g").ensure();
  await queue.close();
  const { report } = await salvage(path);
  expect(report).toMatchObject({ events: 0, groups: 1, lost: [], broken: [], damagedTables: [] });
});

test("of two salvages to one path one is made, and the other refused", async () => {
  const path = damagedCopy((bytes) => bytes);
  const target = join(tempFolder(), "salvaged.db");
  const results = await Promise.allSettled([
    salvageQueue(path, target),
    salvageQueue(path, target),
  ]);
  expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(results.find(({ status }) => status === "rejected")).toMatchObject({
    reason: { code: expect.stringMatching(/INVALID_PATH|QUEUE_BUSY/) },
  });
});
