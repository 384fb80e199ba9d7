import { afterEach, describe, expect, test } from "vitest";
import { openQueue, tempPath } from "./temp-queue.ts";

describe("when a group was served", () => {
  const { now } = Date;
  afterEach(() => {
    Date.now = now;
  });

  test("is when an event was acked, be it with others or alone, or given back, at least to a minute", async () => {
    let time = now();
    Date.now = () => time;
    const queue = openQueue(tempPath());
    await queue.sendMany(
      ["k", undefined, undefined].map((key) => ({ type: "A", payload: {}, key })),
    );
    const events = await queue.group("g").receive();
    for (const [nth, event] of events.entries()) {
      time += 60_000;
      expect(await (nth === 1 ? event.nack({ delayMs: 0 }) : event.ack())).toBe(true);
      expect((await queue.groups.list())[0]).toMatchObject({ lastServedAt: time });
    }
    await queue.sendMany(["k", undefined].map((key) => ({ type: "A", payload: {}, key })));
    const more = await queue.group("g").receive();
    time += 60_000;
    await Promise.all(more.map((event) => event.ack()));
    expect((await queue.groups.list())[0]).toMatchObject({ lastServedAt: time, pending: 0 });
  });

  test("is noted with the first ack a minute after it was noted before", async () => {
    let time = now();
    Date.now = () => time;
    const queue = openQueue(tempPath());
    await queue.sendMany([1, 2].map(() => ({ type: "A", payload: {} })));
    const [soon, later] = await queue.group("g").receive();
    time += 59_999;
    await soon?.ack();
    time += 1;
    await later?.ack();
    expect((await queue.groups.list())[0]).toMatchObject({ lastServedAt: time });
  });

  test("isn't when somebody tried to ack whose lease another one has", async () => {
    let time = now();
    Date.now = () => time;
    const queue = openQueue(tempPath());
    await queue.send("A", {});
    const [late] = await queue.group("g").receive({ leaseMs: 10 });
    time += 1_000;
    expect(await queue.group("g").receive({ leaseMs: 500_000 })).toHaveLength(1);
    const servedAt = (await queue.groups.list())[0]?.lastServedAt;
    time += 300_000;
    expect(await late?.ack()).toBe(false);
    expect((await queue.groups.list())[0]).toMatchObject({ lastServedAt: servedAt });
  });
});
