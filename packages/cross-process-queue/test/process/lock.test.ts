import type { EventQueue } from "@ringrift/event-queue";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { CrossProcessEventQueue } from "../../src/index.ts";
import { openQueue, tempPath } from "../temp-queue.ts";
import { Child } from "./child.ts";

/** The longest pause between two ticks of a 10 ms timer while `work` runs. */
async function longestGap(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 10);
  await work();
  clearInterval(timer);
  return longest;
}

/** How long a send takes while another process holds the lock for 1.5 s, and how the event loop fares. */
async function sendDuring(
  path: string,
  queue: EventQueue,
): Promise<{ waited: number; gap: number; allowedGap: number }> {
  await queue.send("BEFORE", {});
  const controlGap = await longestGap(() => new Promise((resolve) => setTimeout(resolve, 1_500)));
  const holder = new Child("lock-holder", { path, holdMs: 1_500 });
  await holder.line(({ kind }) => kind === "locked");
  const began = performance.now();
  const gap = await longestGap(() => queue.send("DURING", {}));
  // A machine shared with others stalls by itself now and then; a blocked loop would stall for all of it.
  return { waited: performance.now() - began, gap, allowedGap: Math.max(200, 3 * controlGap) };
}

test("while another process holds the write lock the event loop keeps ticking, and the send is stored afterwards", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const { waited, gap, allowedGap } = await sendDuring(path, queue);
  expect(waited).toBeGreaterThan(500);
  expect(gap).toBeLessThan(allowedGap);
  expect((await queue.history()).map(({ type }) => type)).toEqual(["BEFORE", "DURING"]);
});

test.runIf(process.platform === "linux")(
  "health, and whoever waits in vain, is told which process holds the write lock",
  async () => {
    const path = tempPath();
    const queue = openQueue(path);
    await queue.send("BEFORE", {});
    expect((await queue.health()).details["lockHolder"]).toBeUndefined();
    const holder = new Child("lock-holder", { path, holdMs: 3_000 });
    await holder.line(({ kind }) => kind === "locked");
    const { ok, problems, details } = await queue.health();
    expect(details["lockHolder"]).toEqual({
      pid: holder.pid,
      program: "node",
    });
    expect(ok).toBe(false);
    expect(problems).toMatchObject([
      { message: expect.stringContaining(`process ${holder.pid} (node) has held`) },
    ]);
  },
);

test("the same with a handle that was told to wait for locks", async () => {
  const path = tempPath();
  const database = new Database(path, { timeout: 5_000 });
  const queue = new CrossProcessEventQueue({ database });
  const { waited, gap, allowedGap } = await sendDuring(path, queue);
  expect(waited).toBeGreaterThan(500);
  expect(gap).toBeLessThan(allowedGap);
  await queue.close();
  expect(database.pragma("busy_timeout", { simple: true })).toBe(5_000);
  database.close();
});

test("while another process holds the write lock reading goes on and health says so", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("BEFORE", {});
  const holder = new Child("lock-holder", { path, holdMs: 2_500 });
  await holder.line(({ kind }) => kind === "locked");
  expect(await queue.history()).toHaveLength(1);
  const health = await queue.health();
  expect(health.ok).toBe(false);
  expect(health.problems[0]?.message).toContain("write lock");
  await holder.line(({ kind }) => kind === "released");
  expect((await queue.health()).ok).toBe(true);
});
