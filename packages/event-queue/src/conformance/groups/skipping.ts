import { expect } from "vitest";
import type { EventQueue } from "../../contract/event-queue.ts";
import {
  numbersOf,
  PAID,
  PLACED,
  receiveAll,
  receiveOne,
  sendNumbered,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";

/** `skipAfterMs`: a group that is too far behind passes over what is too old, and says so. */
export function skipping(test: TestCase): void {
  const skips: TestCase = (name, body, needs = []) => test(name, body, ["skipping", ...needs]);

  skips("a group that is behind skips what is too old, counted, and goes on", async (lab) => {
    const queue = lab.open();
    const late = queue.group("late", { skipAfterMs: 600, eventTypes: [PLACED] });
    await late.ensure();
    await queue.group("patient").ensure();
    await sendNumbered(queue, PLACED, 3);
    await sendNumbered(queue, PAID, 2);
    await sleep(800);
    await queue.send(PLACED, { n: 4 });
    await until("it has skipped", async () => (await groupOf(queue, "late"))?.skipped === 3);
    expect(await groupOf(queue, "late")).toMatchObject({ pending: 1, skipAfterMs: 600 });
    expect(await groupOf(queue, "patient")).toMatchObject({ pending: 6, skipped: 0 });
    expect((await queue.stats()).dropped["skipped"]).toBe(3);
    expect(numbersOf(await receiveAll(late))).toEqual([4]);
  });

  skips("what failed and waits is skipped, what a member has is not", async (lab) => {
    const queue = lab.open();
    const group = queue.group("late", { skipAfterMs: 600 });
    await queue.sendMany([
      { type: PLACED, payload: { n: 1 } },
      { type: PLACED, payload: { n: 2 }, key: "a" },
      { type: PLACED, payload: { n: 3 }, key: "a" },
      { type: PLACED, payload: { n: 4 } },
    ]);
    const [first, second, fourth] = await group.receive();
    expect(fourth?.payload).toEqual({ n: 4 });
    await first?.nack({ delayMs: 60_000 });
    await second?.nack({ delayMs: 60_000 });
    await sleep(800);
    await queue.send(PLACED, { n: 5 }, { key: "a" });
    await until("it has skipped", async () => (await groupOf(queue, "late"))?.skipped === 3);
    expect(await groupOf(queue, "late")).toMatchObject({ pending: 2, inFlight: 1, retrying: 0 });
    expect(await fourth?.ack()).toBe(true);
    expect((await receiveOne(group)).payload).toEqual({ n: 5 });
  });

  skips("a group that keeps up skips nothing", async (lab) => {
    const queue = lab.open();
    const consumer = queue.consume({ group: "late", skipAfterMs: 2_000 }, () => {});
    await sendNumbered(queue, PLACED, 20);
    await until("all are handled", () => consumer.stats().handled === 20);
    expect(await groupOf(queue, "late")).toMatchObject({ pending: 0, skipped: 0 });
  });
}

async function groupOf(queue: EventQueue, name: string) {
  return (await queue.groups.list()).find((group) => group.name === name);
}
