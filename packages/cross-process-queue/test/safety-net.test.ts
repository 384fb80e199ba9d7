import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { openQueue, tempPath, until } from "./temp-queue.ts";

/** Longer than a test may take: a wait looks once more when its time is over. */
const WAIT = { waitMs: 300_000 };
const HOUR_MS = 3_600_000;
/** Until a queue that was opened just now has looked once: that look finds everything new. */
const FIRST_LOOK_MS = 700;

/** Sets this process's wall clock forward; the monotonic one goes on as before. */
function stepClock(ms: number): void {
  const now = Date.now.bind(Date);
  const stepped = vi.spyOn(Date, "now").mockImplementation(() => now() + ms);
  onTestFinished(() => stepped.mockRestore());
}

test("an idle consumer does no more than ask, twice a second, whether anything has changed", async () => {
  const path = tempPath();
  const statements: string[] = [];
  const database = new Database(path, { verbose: (sql) => statements.push(String(sql)) });
  onTestFinished(() => void database.close());
  const queue = new CrossProcessEventQueue({ database });
  onTestFinished(() => queue.close());
  const consumers = ["a", "b", "c"].map((group) => queue.consume({ group }, () => {}));
  await until(async () => (await queue.groups.list()).length === consumers.length);
  await sleep(1_100);
  statements.length = 0;
  await sleep(2_000);
  const asked = new Set(statements);
  expect(asked).toEqual(new Set(["PRAGMA data_version", "SELECT total_changes() AS changes"]));
  expect(statements.length).toBeLessThanOrEqual(10);
  await Promise.all(consumers.map((consumer) => consumer.stop()));
});

test.each(["of this instance", "of another instance"])(
  "a lease that is cut short wakes a waiting member %s",
  async (whose) => {
    const path = tempPath();
    const queue = openQueue(path);
    const { id } = await queue.send("A", {});
    const [held] = await queue.group("g").receive({ leaseMs: HOUR_MS });
    const other = whose === "of this instance" ? queue : openQueue(path);
    const waiting = other.group("g").receive(WAIT);
    await sleep(FIRST_LOOK_MS);
    expect(await held?.extend(10)).toBe(true);
    expect(await waiting).toMatchObject([{ id, attempt: 2 }]);
  },
);

test("when the clock is set forward, a retry comes as early as it says", async () => {
  const queue = openQueue(tempPath());
  const { id } = await queue.send("A", {});
  const [event] = await queue.group("g").receive();
  await event?.nack({ delayMs: HOUR_MS });
  const waiting = queue.group("g").receive(WAIT);
  await sleep(FIRST_LOOK_MS);
  stepClock(HOUR_MS);
  expect(await waiting).toMatchObject([{ id, attempt: 2 }]);
});

test("when the clock is set forward, a delayed event comes as early as it says", async () => {
  const queue = openQueue(tempPath());
  const { id } = await queue.send("A", {}, { delayMs: HOUR_MS });
  const waiting = queue.receive(WAIT);
  await sleep(FIRST_LOOK_MS);
  stepClock(HOUR_MS + 1);
  expect(await waiting).toMatchObject([{ id }]);
});

test("an instance takes in what another one has delayed before it was closed", async () => {
  const path = tempPath();
  const waiting = openQueue(path).receive(WAIT);
  await sleep(FIRST_LOOK_MS);
  const sender = openQueue(path);
  const { id } = await sender.send("A", {}, { delayMs: 1_500 });
  await sender.close();
  expect(await waiting).toMatchObject([{ id }]);
});
