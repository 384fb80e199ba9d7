import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openQueue, tempPath } from "../temp-queue.ts";
import { Child } from "./child.ts";

const MAKE_EFFECTS = "CREATE TABLE effects (id TEXT NOT NULL)";

async function effectsIn(path: string): Promise<string[]> {
  const database = new Database(path);
  try {
    return database.prepare("SELECT id FROM effects").pluck().all() as string[];
  } finally {
    database.close();
  }
}

test(
  "kill -9 before each statement of a transaction leaves the row and its events, or neither",
  { timeout: 120_000 },
  async () => {
    const outcomes: string[] = [];
    for (let killAt = 1; ; killAt += 1) {
      const path = tempPath();
      const queue = openQueue(path);
      await queue.transaction((tx) => tx.database.exec(MAKE_EFFECTS));
      const child = new Child("failpoint", { path, mode: "outbox", killAt });
      const end = await child.end();
      const told = child.lines.some(({ kind }) => kind === "committed");
      const events = await queue.history();
      await queue.close();
      const effects = await effectsIn(path);
      expect(events.length).toBe(effects.length * 2);
      if (told) expect(effects).toEqual(["x"]);
      outcomes.push(effects.length === 0 ? "neither" : "both");
      if (end === 0) break;
      expect(end).toBe("SIGKILL");
    }
    // It was killed before COMMIT again and again, and in the end it was not.
    expect(outcomes.length).toBeGreaterThan(5);
    expect([outcomes[0], outcomes.at(-1)]).toEqual(["neither", "both"]);
  },
);

test(
  "kill -9 before each statement of a consumer in transactions leaves each effect exactly once",
  { timeout: 120_000 },
  async () => {
    const path = tempPath();
    const queue = openQueue(path);
    await queue.transaction((tx) => tx.database.exec(MAKE_EFFECTS));
    const ids: string[] = [];
    let kills = 0;
    for (let killAt = 1; ; killAt += 1) {
      // One to be killed at, and one before it, so that both the first and a later handling are.
      for (const n of [1, 2]) ids.push((await queue.send("ORDER", { n })).id);
      const end = await new Child("failpoint", { path, mode: "inbox", killAt }).end();
      if (end === 0) break;
      expect(end).toBe("SIGKILL");
      kills += 1;
    }
    const last = new Child("failpoint", { path, mode: "inbox" });
    expect(await last.end()).toBe(0);
    await queue.close();
    const effects = await effectsIn(path);
    expect(kills).toBeGreaterThan(5);
    expect(effects.toSorted()).toEqual(ids.toSorted());
  },
);

test("a consumer in transactions whose lease another has taken leaves nothing behind", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.transaction((tx) => tx.database.exec(MAKE_EFFECTS));
  const { id } = await queue.send("ORDER", {});
  const late = new Child("failpoint", { path, mode: "late" });
  await late.line(({ kind }) => kind === "leased");
  const [taken] = await queue.group("ledger").receive({ waitMs: 5000, leaseMs: 10_000 });
  expect(taken).toMatchObject({ id, attempt: 2 });
  // The other wakes up, and works on what is no longer its own.
  await late.line(({ kind }) => kind === "handled");
  expect(await taken?.ack()).toBe(true);
  expect(await late.end()).toBe(0);
  await queue.close();
  expect(await effectsIn(path)).toEqual([]);
});
