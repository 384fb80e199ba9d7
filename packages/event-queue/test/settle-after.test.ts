import { expect, onTestFinished, test, vi } from "vitest";
import { settleAfter, whenSettled } from "../src/backend.ts";
import { type LeasedEvent, MemoryEventQueue } from "../src/index.ts";

function openQueue(): MemoryEventQueue {
  const queue = new MemoryEventQueue();
  onTestFinished(() => queue.close());
  return queue;
}

async function send(queue: MemoryEventQueue, count: number): Promise<void> {
  await queue.sendMany(Array.from({ length: count }, (_, n) => ({ type: "TICK", payload: n })));
}

test("a delivery that settles after a promise frees its place at once, and is acked when that resolves", async () => {
  const queue = openQueue();
  await send(queue, 5);
  const { promise, resolve } = Promise.withResolvers<void>();
  const acked: boolean[] = [];
  const consumer = queue.consume({ group: "g" }, (_, context) => {
    expect(settleAfter(context, promise)).toBe(true);
    whenSettled(context, (isAcked) => acked.push(isAcked));
  });
  await vi.waitFor(() => expect(consumer.stats().inFlight).toBe(5));
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 5, inFlight: 5 });
  expect(acked).toEqual([]);
  resolve();
  await vi.waitFor(() => expect(consumer.stats().handled).toBe(5));
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 0 });
  expect(acked).toEqual(Array(5).fill(true));
});

test("it fails when the promise rejects, and is tried again", async () => {
  const queue = openQueue();
  await send(queue, 1);
  const attempts: number[] = [];
  const acked: boolean[] = [];
  queue.consume({ group: "g", backoff: { initialMs: 1 } }, (event, context) => {
    attempts.push(event.attempt);
    whenSettled(context, (isAcked) => acked.push(isAcked));
    settleAfter(context, event.attempt === 1 ? Promise.reject(new Error("no")) : Promise.resolve());
  });
  await vi.waitFor(() => expect(acked).toEqual([false, true]));
  expect(attempts).toEqual([1, 2]);
});

test("a stop waits for it, up to its limit, and then it is delivered again", async () => {
  const queue = openQueue();
  await queue.group("g", { leaseMs: 1_000 }).ensure();
  await send(queue, 2);
  const acked: boolean[] = [];
  const consumer = queue.consume({ group: "g" }, (_, context) => {
    whenSettled(context, (isAcked) => acked.push(isAcked));
    settleAfter(context, new Promise(() => undefined));
  });
  await vi.waitFor(() => expect(consumer.stats().inFlight).toBe(2));
  expect(await consumer.stop({ timeoutMs: 10 })).toEqual({ drained: false, left: 2 });
  await consumer.ended;
  expect(acked).toEqual([false, false]);
  // Each lease was renewed by itself, and so it ends by itself.
  const again: LeasedEvent[] = [];
  while (again.length < 2) again.push(...(await queue.group("g").receive({ waitMs: 5_000 })));
  expect(again).toMatchObject([{ redelivered: true }, { redelivered: true }]);
});

test("the next event of its key waits for it", async () => {
  const queue = openQueue();
  for (const n of [1, 2]) await queue.send("TICK", n, { key: "k" });
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun: unknown[] = [];
  queue.consume({ group: "g", concurrency: 2 }, (event, context) => {
    begun.push(event.payload);
    settleAfter(context, promise);
  });
  await vi.waitFor(() => expect(begun).toEqual([1]));
  resolve();
  await vi.waitFor(() => expect(begun).toEqual([1, 2]));
});

test("the context of another queue's delivery is not taken for one of ours", () => {
  const context = { signal: AbortSignal.abort(), attempt: 1, extend: async () => true };
  expect(settleAfter(context, Promise.resolve())).toBe(false);
  expect(whenSettled(context, () => undefined)).toBe(false);
});
