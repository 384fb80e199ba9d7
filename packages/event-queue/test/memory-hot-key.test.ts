import { expect, test, vi } from "vitest";
import { MemoryEventQueue, PermanentError } from "../src/index.ts";

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, 20_000);

async function sendHot(queue: MemoryEventQueue, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1_000) {
    const some = Array.from({ length: Math.min(1_000, count - sent) }, () => ({}));
    await queue.sendMany(some.map((payload) => ({ type: "HOT", payload, key: "hot" })));
  }
}

test("any number of events behind a key whose first one waits for a retry hold up no others", async () => {
  await using queue = new MemoryEventQueue();
  await sendHot(queue, 12_000);
  const backoff = { initialMs: 3_600_000, maxMs: 3_600_000, jitter: 0 };
  const consumer = queue.consume({ group: "g", backoff }, ({ type }) => {
    if (type === "HOT") throw new Error("not yet");
  });
  await queue.send("OTHER", {}, { key: "other" });
  await queue.send("OTHER", {});
  await eventually(() => expect(consumer.stats()).toMatchObject({ handled: 2, failed: 1 }));
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 12_000, retrying: 1 });
});

test("a redriven event comes before those of its key that wait, and after the one that is leased", async () => {
  await using queue = new MemoryEventQueue();
  await queue.sendMany([1, 2, 3].map((n) => ({ type: "HOT", payload: { n }, key: "hot" })));
  const group = queue.group("g", { maxAttempts: 1 });
  const [first] = await group.receive();
  await first?.nack();
  const [second] = await group.receive();
  await queue.deadLetters.redrive({ group: "g" });
  expect(await group.receive()).toEqual([]);
  await second?.ack();
  const [again] = await group.receive();
  expect([second, again].map((event) => event?.payload)).toEqual([{ n: 2 }, { n: 1 }]);
  await again?.ack();
  expect(await group.receive()).toMatchObject([{ payload: { n: 3 } }]);
});

test("to work off four times as many events of one key takes about four times as long", async () => {
  /** Of the processor, in ms. */
  const costOf = async (count: number): Promise<number> => {
    await using queue = new MemoryEventQueue();
    await sendHot(queue, count);
    const consumer = queue.consume({ group: "g", concurrency: 4 }, () => {});
    const before = process.cpuUsage();
    await eventually(() => expect(consumer.stats().handled).toBe(count));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  await costOf(2_000);
  const few = await costOf(4_000);
  const many = await costOf(16_000);
  expect(many / few).toBeLessThan(9);
});

test("an event of a key that waits for its retry goes first, also when one before it is redriven", async () => {
  const queue = new MemoryEventQueue();
  for (const n of [1, 2]) await queue.send("A", { n }, { key: "k" });
  const group = queue.group("g");
  const [first] = await group.receive();
  await first?.nack({ reason: new PermanentError("no") });
  const [second] = await group.receive();
  await queue.deadLetters.redrive({});
  await second?.nack({ delayMs: 0 });
  const [again] = await group.receive();
  expect(again).toMatchObject({ payload: { n: 2 }, attempt: 2 });
  await again?.ack();
  expect(await group.receive()).toMatchObject([{ payload: { n: 1 }, redelivered: true }]);
});
