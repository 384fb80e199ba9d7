import { copyFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { MIGRATIONS } from "../src/migrations.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

/** Versions whose file was written by the code of their time: see `fixtures/make-fixture.ts`. */
const WRITTEN = [1, 2, 3, 4, 5];

/** A copy of a fixture, as fresh as it was when it was made: else retention would remove half of it. */
function fixture(version: number): string {
  const path = tempPath();
  copyFileSync(join(import.meta.dirname, `fixtures/schema-${version}.db`), path);
  const database = new Database(path);
  expect(database.pragma("user_version", { simple: true })).toBe(version);
  const newest = database.prepare("SELECT max(stored_at) FROM events").pluck().get() as number;
  const elapsed = Date.now() - newest;
  database.exec(`
    UPDATE events SET stored_at = stored_at + ${elapsed};
    UPDATE groups SET served_at = served_at + ${elapsed};
    UPDATE dedupe SET expires = expires + ${elapsed};`);
  database.close();
  return path;
}

test.each(WRITTEN)(
  "a file of schema %i is migrated, and nothing of it is lost",
  async (version) => {
    const path = fixture(version);
    const queue = openQueue(path);
    const log = await queue.history();
    expect(log.map(({ payload, position }) => [payload.n, position])).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, n]),
    );
    expect(await queue.history({ eventTypes: ["TICK"] })).toEqual(log);
    expect(log[0]).toMatchObject({ type: "TICK", source: "fixture", headers: { h: "1" } });
    expect((await queue.health()).details).toMatchObject({ schemaVersion: MIGRATIONS.length });
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
  },
);

test("every schema but the newest has a fixture", () => {
  expect(WRITTEN).toEqual(MIGRATIONS.slice(1).map((_, index) => index + 1));
});

test("a process of the version before goes on in a file that was migrated under it", async () => {
  const path = fixture(MIGRATIONS.length - 1);
  const before = new Database(path);
  // What the version before prepared, before the migration and after it.
  const columns = "position, id, type, payload, time, source, origin, stored_at";
  const insert = before.prepare(
    `INSERT INTO events (${columns}) VALUES (?, ?, 'TICK', ?, 0, '', '', ${Date.now()})`,
  );
  insert.run(10, "old-10", '{"n":10}');
  const queue = openQueue(path);
  await queue.send("TICK", { n: 11 });
  insert.run(12, "old-12", '{"n":12}');
  await queue.send("TICK", { n: 13 });
  expect((await queue.history({ after: 9 })).map(({ payload }) => payload.n)).toEqual([
    10, 11, 12, 13,
  ]);
  const read = before.prepare("SELECT payload FROM events WHERE position = 13").pluck();
  expect(read.get()).toBe('{"n":13}');
  before.close();
});
