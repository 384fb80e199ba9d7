import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

const QUICK = 100;

/** Sends events of which the handlers are quick, so that a member leases ahead, and then some others. */
async function sendSome(path: string, others: number): Promise<void> {
  const queue = openQueue(path);
  await queue.group("g", { leaseMs: 60_000 }).ensure();
  const payloads = Array.from({ length: QUICK + others }, (_, n) => ({ n }));
  await queue.sendMany(payloads.map((payload) => ({ type: "A", payload })));
}

test("what a member leased ahead of a slow handler goes to another one, its attempt not counted", async () => {
  const path = tempPath();
  await sendSome(path, 20);
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = openQueue(path).consume({ group: "g" }, async ({ payload }) => {
    if (payload["n"] === QUICK) await promise;
  });
  await until(() => slow.stats().handled === QUICK);
  const seen = new Set<unknown>();
  const other = openQueue(path).consume({ group: "g" }, ({ payload, attempt, redelivered }) => {
    expect([attempt, redelivered]).toEqual([1, false]);
    seen.add(payload["n"]);
  });
  await until(() => other.stats().handled === 19);
  expect(seen).toEqual(new Set(Array.from({ length: 19 }, (_, n) => QUICK + 1 + n)));
  resolve();
  await until(() => slow.stats().handled === QUICK + 1);
  expect((await openQueue(path).groups.list())[0]).toMatchObject({ pending: 0, deadLetters: 0 });
});

test("every event of quick handlers is handled and settled once, in order", async () => {
  const path = tempPath();
  await sendSome(path, 900);
  const queue = openQueue(path);
  const seen: unknown[] = [];
  const consumer = queue.consume({ group: "g" }, ({ payload }) => void seen.push(payload["n"]));
  await until(() => consumer.stats().handled === 1_000);
  await consumer.stop();
  expect(seen).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, inFlight: 0, deadLetters: 0 });
});
