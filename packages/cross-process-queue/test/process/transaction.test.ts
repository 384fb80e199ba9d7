import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { CrossProcessEventQueue } from "../../src/index.ts";
import { openQueue, tempPath, until } from "../temp-queue.ts";
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

type Mode = "outbox" | "inbox";

/** A file with a table for effects. */
async function fileForEffects(): Promise<string> {
  const path = tempPath();
  await using queue = new CrossProcessEventQueue(path);
  await queue.transaction((tx) => tx.database.exec(MAKE_EFFECTS));
  return path;
}

/**
 * Kills a process before and after each statement of its work, each time on a file of its own that `prepare` has
 * made; what `look` then found, in order. Several at once: most of it is waiting for processes to begin.
 */
async function killAtEach<T>(
  mode: Mode,
  prepare: () => Promise<string>,
  look: (path: string, child: Child) => Promise<T>,
): Promise<T[]> {
  const whole = new Child("failpoint", { path: await prepare(), mode });
  const { position: statements = 0 } = await whole.line(({ kind }) => kind === "done");
  const points = Array.from({ length: statements }, (_, n) => n + 1).flatMap((killAt) =>
    (["before", "after"] as const).map((side) => ({ killAt, side })),
  );
  const found: T[] = [];
  const work = points.entries();
  const worker = async (): Promise<void> => {
    for (const [index, point] of work) {
      const path = await prepare();
      const child = new Child("failpoint", { path, mode, ...point });
      expect([point, await child.end()]).toEqual([point, "SIGKILL"]);
      found[index] = await look(path, child);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  expect(found).toHaveLength(2 * statements);
  return found;
}

test(
  "kill -9 before and after each statement of a transaction leaves the row and its events, or neither",
  { timeout: 120_000 },
  async () => {
    const outcomes = await killAtEach("outbox", fileForEffects, async (path, child) => {
      expect(child.lines).toEqual([]);
      await using queue = new CrossProcessEventQueue(path);
      const events = await queue.history();
      await queue.close();
      return [await effectsIn(path), events.map(({ payload }) => payload.id)];
    });
    // The last statement is COMMIT.
    expect(outcomes.length).toBeGreaterThan(20);
    expect(outcomes.slice(0, -1)).toEqual(outcomes.slice(0, -1).map(() => [[], []]));
    expect(outcomes.at(-1)).toEqual([["x"], ["x", "y"]]);
  },
);

/** An event that waits to be handled, for the first time or after a consumer that died with it. */
async function oneOrder(isAgain: boolean): Promise<string> {
  const path = await fileForEffects();
  await using queue = new CrossProcessEventQueue(path);
  await queue.send("ORDER", {});
  if (isAgain) await queue.group("ledger", { leaseMs: 50 }).receive({ leaseMs: 1 });
  return path;
}

test.each([
  ["for the first time", false],
  ["again", true],
])(
  "kill -9 before and after each statement of a consumer in transactions that handles an event %s leaves its effect exactly once",
  { timeout: 120_000 },
  async (_, isAgain) => {
    const effects = await killAtEach(
      "inbox",
      () => oneOrder(isAgain),
      async (path) => {
        const before = (await effectsIn(path)).length;
        await using queue = new CrossProcessEventQueue(path);
        const consumer = queue.consumeInTransaction({ group: "ledger" }, (event, tx) => {
          tx.database.prepare("INSERT INTO effects (id) VALUES (?)").run(event.id);
        });
        await until(async () => (await queue.groups.list())[0]?.pending === 0);
        await consumer.stop();
        const [event] = await queue.history();
        await queue.close();
        expect(await effectsIn(path)).toEqual([event?.id]);
        return before;
      },
    );
    // Some were killed before the COMMIT of the effect, and some after it.
    expect(effects.length).toBeGreaterThan(30);
    expect(new Set(effects)).toEqual(new Set([0, 1]));
    expect(effects.toSorted((one, other) => one - other)).toEqual(effects);
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
