import { expect, test } from "vitest";
import { leaseEvent, leaseOperationsOf } from "../src/backend.ts";
import { MemoryEventQueue } from "../src/index.ts";

test("a leased event can be copied, logged and posted like any other", async () => {
  const queue = new MemoryEventQueue();
  const sent = await queue.send("ORDER_PLACED", { cents: 1 });
  const [event] = await queue.group("mailer").receive();
  const delivered = { ...sent, attempt: 1 };
  expect({ ...event }).toEqual(delivered);
  expect(structuredClone(event)).toEqual(delivered);
  expect(JSON.parse(JSON.stringify(event))).toEqual(delivered);
});

test("an ack that failed may be tried again", async () => {
  const queue = new MemoryEventQueue();
  const sent = await queue.send("ORDER_PLACED", {});
  let tries = 0;
  const event = leaseEvent(sent, 0, {
    ack: async () => {
      tries += 1;
      if (tries === 1) throw new Error("busy");
      return true;
    },
    nack: async () => true,
    extend: async () => false,
  });
  await expect(event.ack()).rejects.toThrow("busy");
  expect(await event.ack()).toBe(true);
  expect(await event.ack()).toBe(true);
  expect(tries).toBe(2);
});

test("a backend finds what it leased an event with, and nothing on a copy or on anything else", async () => {
  const sent = await new MemoryEventQueue().send("ORDER_PLACED", {});
  const operations = {
    ack: async () => true,
    nack: async () => true,
    extend: async () => false as const,
  };
  const event = leaseEvent(sent, 0, operations);
  expect(leaseOperationsOf(event)).toBe(operations);
  expect([{ ...event }, sent, {}].map(leaseOperationsOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("acks at once are one ack", async () => {
  const queue = new MemoryEventQueue();
  await queue.send("ORDER_PLACED", {});
  const [event] = await queue.group("mailer").receive();
  expect(await Promise.all([event?.ack(), event?.ack(), event?.nack()])).toEqual([
    true,
    true,
    false,
  ]);
});

test("options of nack and extend are checked", async () => {
  const queue = new MemoryEventQueue();
  await queue.send("ORDER_PLACED", {});
  const [event] = await queue.group("mailer").receive();
  await expect(event?.nack({ delayMs: -1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  await expect(event?.extend(0)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  expect(await event?.ack()).toBe(true);
});
