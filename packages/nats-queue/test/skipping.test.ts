import { expect, it } from "vitest";
import { sleep, until } from "./faults.ts";
import { withServer } from "./with-server.ts";

const context = withServer();
const MANY = Array.from({ length: 2_000 }, (_, n) => ({
  type: n % 2 === 0 ? "ORDER_PLACED" : "ORDER_PAID",
  payload: { n },
  ...(n % 4 === 0 && { key: `order-${n % 20}` }),
}));

it("a member that comes back after too long passes over all that is too old, at once", async () => {
  const queue = await context.open();
  const group = queue.group("late", {
    skipAfterMs: 2_500,
    eventTypes: ["ORDER_PLACED", "ORDER_SEEN"],
  });
  await group.ensure();
  await queue.sendMany(MANY);
  await sleep(2_600);
  expect(await group.receive({ limit: 1 })).toEqual([]);
  expect(await queue.groups.list()).toMatchObject([{ skipped: MANY.length / 2, pending: 0 }]);
  await queue.send("ORDER_PLACED", { n: -1 }, { key: "order-0" });
  const [event] = await group.receive({ limit: 1, waitMs: 20_000 });
  expect(event?.payload).toEqual({ n: -1 });
  expect(await event?.ack()).toBe(true);
  expect((await queue.stats()).dropped).toMatchObject({ skipped: MANY.length / 2 });
});

it("an event behind one of its key that a member has isn't handled before that, and is skipped after it", async () => {
  const queue = await context.open();
  const group = queue.group("late", { skipAfterMs: 300 });
  await queue.send("ORDER_PLACED", { n: 1 }, { key: "a" });
  await queue.send("ORDER_PLACED", { n: 2 }, { key: "a" });
  const [held] = await group.receive();
  await sleep(400);
  await queue.send("ORDER_PLACED", { n: 3 }, { key: "a" });
  expect(await queue.groups.list()).toMatchObject([{ pending: 3, skipped: 0 }]);
  expect(await group.receive()).toEqual([]);
  expect(await held?.ack()).toBe(true);
  const skips = async () => (await queue.groups.list())[0]?.skipped === 2;
  const seen = await group.receive({ waitMs: 200 });
  // The third may be too old by now too, on a slow machine.
  if (seen.length === 0) await until("both are skipped", skips);
  else expect(seen.map(({ payload }) => payload.n)).toEqual([3]);
});

it("dead letters that are given back are handled, however old they are", async () => {
  const queue = await context.open();
  const group = queue.group("late", { skipAfterMs: 200, maxAttempts: 1 });
  await queue.send("ORDER_PLACED", { n: 1 });
  const [event] = await group.receive();
  await event?.nack({ reason: new Error("no") });
  await sleep(300);
  expect(await queue.deadLetters.redrive({ group: "late" })).toEqual({ count: 1 });
  const [again] = await group.receive({ waitMs: 10_000 });
  expect(again?.payload).toEqual({ n: 1 });
  expect(await again?.ack()).toBe(true);
});
