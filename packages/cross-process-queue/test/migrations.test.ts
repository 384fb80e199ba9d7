import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { CrossProcessEventQueue, salvageQueue } from "../src/index.ts";
import { type Migration, MIGRATIONS } from "../src/schema/migrations.ts";
import {
  becomeLaterVersion,
  becomeThisVersion,
  CONTRACTING,
  EXPANDING,
  versionOf,
} from "./next-version.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

const LATEST = MIGRATIONS.length;

/** A copy of what `fixtures/make-fixture.ts` wrote, as fresh as it was then: else retention would remove half of it. */
function fixture(): string {
  const path = tempPath();
  copyFileSync(join(import.meta.dirname, `fixtures/schema-${LATEST}.db`), path);
  const database = new Database(path);
  const newest = database.prepare("SELECT max(stored_at) FROM ringrift_events").pluck().get();
  const elapsed = Date.now() - Number(newest);
  database.exec(`
    UPDATE ringrift_events SET stored_at = stored_at + ${elapsed};
    UPDATE ringrift_groups SET served_at = served_at + ${elapsed};
    UPDATE ringrift_dedupe SET expires = expires + ${elapsed};`);
  database.close();
  expect(versionOf(path)).toBe(LATEST);
  return path;
}

/** A file with one event, which a later version with these steps more has brought up to date. */
async function migrated(...steps: readonly Migration[]): Promise<string> {
  const path = tempPath();
  const before = new CrossProcessEventQueue(path);
  await before.group("g").ensure();
  await before.send("BEFORE", {});
  await before.close();
  becomeLaterVersion(...steps);
  const later = new CrossProcessEventQueue(path);
  await later.send("LATER", {});
  await later.close();
  becomeThisVersion();
  expect(versionOf(path)).toBe(LATEST + steps.length);
  return path;
}

test.each([
  ["expands", [EXPANDING]],
  ["is two versions on, and contracts", [EXPANDING, CONTRACTING]],
] as const)("of a file that a version opens which %s, nothing is lost", async (_, steps) => {
  const path = fixture();
  becomeLaterVersion(...steps);
  const queue = openQueue(path);
  const log = await queue.history();
  expect(log.map(({ payload, position }) => [payload.n, position])).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, n]),
  );
  expect(await queue.history({ eventTypes: ["TICK"] })).toEqual(log);
  expect(log[0]).toMatchObject({ type: "TICK", source: "fixture", headers: { h: "1" } });
  expect((await queue.health()).details).toMatchObject({ schemaVersion: LATEST + steps.length });
  expect(await queue.send("TICK", { n: 9 }, { dedupeKey: "d" })).toMatchObject({
    duplicate: true,
    position: 9,
  });

  expect(await queue.groups.list()).toMatchObject([
    { name: "dying", pending: 8, deadLetters: 1, maxAttempts: 1 },
    { name: "g", pending: 8, deadLetters: 0, maxAttempts: 2 },
    { name: "idle", pending: 0 },
  ]);
  const seen: [n: number, attempt: number][] = [];
  const group = queue.group("g");
  for (let round = 0; seen.length < 8 && round < 100; round += 1) {
    for (const event of await group.receive({ waitMs: 100 })) {
      seen.push([Number(event.payload.n), event.attempt]);
      expect(await event.ack()).toBe(true);
    }
  }
  // 1 was settled; 2 had failed once, 3 waited for it; 4 and 5 were leased by a process that is gone.
  expect(seen.toSorted(([left], [right]) => left - right)).toEqual([
    [2, 2],
    [3, 1],
    [4, 2],
    [5, 2],
    [6, 1],
    [7, 1],
    [8, 1],
    [9, 1],
  ]);
  expect(await queue.deadLetters.redrive({ group: "dying" })).toEqual({ count: 1 });
  expect(await queue.group("dying").receive({ limit: 1 })).toMatchObject([
    { payload: { n: 1 }, attempt: 1, redelivered: true },
  ]);
});

test("no version contracts what the version before it still needs", () => {
  MIGRATIONS.forEach(({ readableFrom, writableFrom }, index) => {
    const before = Math.max(1, index);
    expect(readableFrom).toBeLessThanOrEqual(before);
    expect(writableFrom).toBeLessThanOrEqual(before);
  });
});

test("a file that the next version has expanded is read and written, and keeps its version", async () => {
  const path = await migrated(EXPANDING);
  const queue = openQueue(path);
  await queue.send("AFTER", {});
  const events = await queue.group("g").receive();
  expect(events.map(({ type }) => type)).toEqual(["BEFORE", "LATER", "AFTER"]);
  for (const event of events) expect(await event.ack()).toBe(true);
  expect((await queue.health()).details).toMatchObject({ schemaVersion: LATEST + 1 });
  await queue.close();
  expect(versionOf(path)).toBe(LATEST + 1);
});

test("a file that the next version has expanded is salvaged with its groups", async () => {
  const path = await migrated(EXPANDING);
  const report = await salvageQueue(path, `${path}.salvaged`);
  expect(report).toMatchObject({ events: 2, groups: 1, lost: [], damagedTables: [] });
});

test("a file that was contracted is refused, stays as it is, and the message says what to do", async () => {
  const path = await migrated(EXPANDING, CONTRACTING);
  const before = readFileSync(path);
  await expect(openQueue(path).send("AFTER", {})).rejects.toMatchObject({
    code: "SCHEMA_TOO_NEW",
    message: expect.stringMatching(
      `schema version "${LATEST + 2}", .* knows ${LATEST}\\. .*Update the package in this process`,
    ),
  });
  expect(readFileSync(path)).toEqual(before);
});

test("a file that was contracted for writers only is read, and nothing is written to it", async () => {
  const path = await migrated(EXPANDING, { ...CONTRACTING, readableFrom: LATEST });
  const queue = openQueue(path);
  expect((await queue.history()).map(({ type }) => type)).toEqual(["BEFORE", "LATER"]);
  await expect(queue.send("AFTER", {})).rejects.toMatchObject({ code: "SCHEMA_TOO_NEW" });
  await expect(queue.group("g").receive()).rejects.toMatchObject({ code: "SCHEMA_TOO_NEW" });
  expect(await queue.history()).toHaveLength(2);
});

test("a file whose version was lost is refused, and the message says what to do", async () => {
  const path = tempPath();
  const queue = new CrossProcessEventQueue(path);
  await queue.send("A", {});
  await queue.close();
  const database = new Database(path);
  database.exec("DELETE FROM ringrift_schema");
  database.close();
  await expect(openQueue(path).send("B", {})).rejects.toMatchObject({
    code: "QUEUE_DAMAGED",
    message: expect.stringContaining("salvageQueue"),
  });
});
