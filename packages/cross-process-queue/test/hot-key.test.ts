import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

type Queue = ReturnType<typeof openQueue>;

async function sendHot(queue: Queue, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1_000) {
    const some = Array.from({ length: Math.min(1_000, count - sent) }, () => ({}));
    await queue.sendMany(some.map((payload) => ({ type: "HOT", payload, key: "hot" })));
  }
}

test("any number of events behind a key whose first one waits for a retry hold up no others", async () => {
  const queue = openQueue(tempPath(), { survives: "process-crash" });
  await sendHot(queue, 12_000);
  await queue.send("OTHER", {}, { key: "other" });
  await queue.send("OTHER", {});
  const backoff = { initialMs: 3_600_000, maxMs: 3_600_000, jitter: 0 };
  const seen: unknown[] = [];
  const consumer = queue.consume({ group: "g", backoff }, ({ type, key }) => {
    if (type === "HOT") throw new Error("not yet");
    seen.push(key);
  });
  await until(() => seen.length === 2);
  expect(seen).toEqual(["other", undefined]);
  await queue.send("OTHER", {}, { key: "later" });
  await until(() => seen.length === 3);
  expect(consumer.stats()).toMatchObject({ handled: 3, failed: 1 });
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 12_000, retrying: 1 });
});

test("events behind one key come in order, each after the one before it is settled", async () => {
  const queue = openQueue(tempPath(), { survives: "process-crash" });
  await queue.sendMany(
    Array.from({ length: 300 }, (_, n) => ({ type: "HOT", payload: { n }, key: "hot" })),
  );
  const seen: unknown[] = [];
  const consumer = queue.consume({ group: "g", concurrency: 4 }, ({ payload }) =>
    seen.push(payload["n"]),
  );
  await until(() => consumer.stats().handled === 300);
  expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

test("to pass four times as many events of one key takes about four times as long", async () => {
  /** Of the processor, in ms: others may have it in between. */
  const costOf = async (count: number): Promise<number> => {
    const queue = openQueue(tempPath(), { survives: "process-crash" });
    await sendHot(queue, count);
    const group = queue.group("g");
    await group.receive({ limit: 1 });
    const before = process.cpuUsage();
    expect(await group.receive({ limit: 1 })).toEqual([]);
    const { user, system } = process.cpuUsage(before);
    expect((await queue.groups.list())[0]).toMatchObject({ cursor: count });
    return (user + system) / 1_000;
  };
  await costOf(1_000);
  const few = await costOf(6_000);
  const many = await costOf(24_000);
  expect(many / few).toBeLessThan(9);
});
