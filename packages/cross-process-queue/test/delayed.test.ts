import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Child } from "./process/child.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

test("many that fall due at once come in in their order, and others get in between", async () => {
  const queue = openQueue(tempPath());
  await queue.sendMany(
    Array.from({ length: 1_000 }, (_, n) => ({ type: "TICK", payload: { n }, delayMs: 500 })),
  );
  const now = await queue.send("NOW", {});
  expect(now.position).toBe(1);
  while ((await queue.stats()).delayed > 0) await sleep(10);
  const ticks = await queue.history({ eventTypes: ["TICK"] });
  expect(ticks.map(({ payload }) => payload.n)).toEqual(ticks.map((_, n) => n));
  expect(ticks).toHaveLength(1_000);
});

test("a transaction delays its events, or, rolled back, has none", async () => {
  const queue = openQueue(tempPath());
  const sent = await queue.transaction((tx) => tx.send("LATER", { n: 1 }, { delayMs: 50 }));
  expect(sent).toMatchObject({ position: 0, payload: { n: 1 } });
  const rolledBack = queue.transaction((tx) => {
    tx.send("LATER", { n: 2 }, { delayMs: 1 });
    throw new Error("no");
  });
  await expect(rolledBack).rejects.toThrow("no");
  const [event] = await queue.receive({ waitMs: 10_000 });
  expect(event).toMatchObject({ id: sent.id, position: 1, payload: { n: 1 } });
  expect(await queue.stats()).toMatchObject({ events: 1, delayed: 0 });
});

test("two processes take in what is due once", async () => {
  const path = tempPath();
  const [one, other] = [openQueue(path), openQueue(path)];
  await other.stats();
  const ids = new Set<string>();
  for (let n = 0; n < 50; n += 1) {
    ids.add((await one.send("TICK", { n }, { delayMs: n * 4, dedupeKey: `tick ${n}` })).id);
  }
  while ((await one.stats()).events < 50) await sleep(10);
  await sleep(300);
  const log = await other.history();
  expect(new Set(log.map(({ id }) => id))).toEqual(ids);
  expect(log).toHaveLength(50);
  // The key leads to the event in the log by now.
  expect(await other.send("TICK", {}, { dedupeKey: "tick 7" })).toMatchObject({ duplicate: true });
});

test("what a killed process has delayed comes in all the same", async () => {
  const path = tempPath();
  const child = new Child("delayer", { path, delayMs: 400 });
  await child.line(({ kind }) => kind === "sent");
  await child.kill();
  const queue = openQueue(path);
  const [event] = await queue.group("g").receive({ waitMs: 20_000 });
  expect(event).toMatchObject({ position: 1, attempt: 1, redelivered: false });
});
