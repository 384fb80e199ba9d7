import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { PermanentError } from "@ringrift/event-queue";
import type { NatsEventQueue } from "../src/index.ts";
import { until } from "./faults.ts";
import { withServer } from "./with-server.ts";

const context = withServer();
const SENT = Array.from({ length: 50 }, (_, n) => ({
  type: "ORDER_PLACED",
  payload: { n, text: "x".repeat(500) },
}));

it("beyond retentionEvents the oldest go, counted", async () => {
  const queue = await context.open({ retentionEvents: 20 });
  await queue.sendMany(SENT);
  const stats = await queue.stats();
  expect(stats).toMatchObject({ events: 20, oldestPosition: 31, dropped: { retention: 30 } });
});

it("beyond retentionBytes the oldest go", async () => {
  const queue = await context.open({ retentionBytes: 20_000 });
  await queue.sendMany(SENT);
  const { events } = await queue.stats();
  expect(events).toBeGreaterThan(10);
  expect(events).toBeLessThan(30);
});

/** Has a group give up on all that was sent. */
async function bury(queue: NatsEventQueue, count: number): Promise<void> {
  const group = queue.group("mailer");
  await group.ensure();
  await queue.sendMany(SENT.slice(0, count));
  for (const event of await group.receive({ limit: count })) {
    await event.nack({ reason: new PermanentError("It is poison.") });
  }
}

it("dead letters go when they are older than deadLetterRetentionMs, counted", async () => {
  const queue = await context.open({ deadLetterRetentionMs: 500 });
  await bury(queue, 3);
  expect(await queue.stats()).toMatchObject({ deadLetters: 3 });
  await until("they are old", async () => (await queue.stats()).deadLetters === 0);
  expect((await queue.stats()).dropped).toMatchObject({ "dead-letter-retention": 3 });
  expect(await queue.deadLetters.list()).toEqual([]);
});

it("beyond deadLetterBytes the oldest dead letters go, counted, and what is redriven stays", async () => {
  const queue = await context.open({ deadLetterBytes: 60_000 });
  await bury(queue, 50);
  await queue.deadLetters.redrive({ id: (await queue.deadLetters.list({ limit: 1 }))[0]?.id });
  const { deadLetters, dropped } = await queue.stats();
  expect(deadLetters).toBeGreaterThan(10);
  expect(deadLetters).toBeLessThan(45);
  expect(dropped).toEqual({ "dead-letter-retention": 49 - deadLetters });
  const left = (await queue.deadLetters.list()).map(({ payload }) => (payload as { n: number }).n);
  expect(left).toEqual(Array.from({ length: deadLetters }, (_, n) => 50 - deadLetters + n));
  expect((await queue.group("mailer").receive({ waitMs: 5_000 }))[0]?.payload.n).toBe(0);
  const codes = (await queue.health()).problems.map(({ code }) => code);
  expect(codes).toContain("DEAD_LETTERS_FULL");
});

it("what a group has still to settle stays, and its leases stay with it", async () => {
  const queue = await context.open({ retentionEvents: 1 });
  const group = queue.group("mailer", { leaseMs: 60_000 });
  await group.ensure();
  await queue.sendMany(SENT.slice(0, 10));
  const leased = await group.receive({ limit: 5 });
  await leased[0]?.ack();
  await leased[1]?.ack();
  expect(await queue.stats()).toMatchObject({ events: 8, oldestPosition: 3 });
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 8, inFlight: 3 });
  await leased[2]?.nack({ delayMs: 0 });
  expect(await leased[3]?.ack()).toBe(true);
  const [again] = await group.receive({ limit: 1 });
  expect(again).toMatchObject({ position: 3, attempt: 2 });
});

it("how far a key is settled is forgotten with its events, and costs no lease", async () => {
  const queue = await context.open({ stream: "keys", retentionEvents: 1 });
  const group = queue.group("mailer");
  await group.ensure();
  await queue.sendMany(SENT.map((event, n) => ({ ...event, key: `order-${n % 40}` })));
  const events = await group.receive();
  // Ten more wait for the first ones of their keys.
  expect(events).toHaveLength(40);
  for (const event of events) expect(await event.ack()).toBe(true);
  const [held, ...others] = await group.receive({ waitMs: 20_000 });
  // The first removes the events, and the second what was known of their keys.
  await queue.stats();
  await queue.stats();
  const connection = await connect({ servers: context.server.url });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  const settledKeys = async (): Promise<number> => {
    const filter = { subjects_filter: "keys.state.key.>" };
    const { state } = await manager.streams.info("keys-state", filter);
    return Object.keys(state.subjects ?? {}).length;
  };
  expect(await settledKeys()).toBe(0);
  expect(await held?.ack()).toBe(true);
  for (const event of others) expect(await event.ack()).toBe(true);
  for (;;) {
    const left = await group.receive();
    if (left.length === 0) break;
    for (const event of left) expect(await event.ack()).toBe(true);
  }
  await queue.send("ORDER_PLACED", { n: 50 }, { key: "order-0" });
  const [last] = await group.receive();
  expect(await last?.ack()).toBe(true);
  expect(await queue.stats()).toMatchObject({ events: 1, oldestPosition: 51 });
  await queue.stats();
  expect(await settledKeys()).toBeLessThanOrEqual(1);
  expect(await queue.groups.list()).toMatchObject([{ pending: 0, deadLetters: 0 }]);
});

it("a group with several types keeps what it reads", async () => {
  const queue = await context.open({ retentionEvents: 1 });
  const group = queue.group("mailer", { eventTypes: ["ORDER_PLACED", "ORDER_PAID"] });
  await group.ensure();
  for (const type of ["ORDER_SEEN", "ORDER_PLACED", "ORDER_SEEN", "ORDER_PAID", "ORDER_SEEN"]) {
    await queue.send(type, {});
  }
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 2 });
  await queue.stats();
  const events = await group.receive();
  expect(events.map(({ position }) => position)).toEqual([2, 4]);
  for (const event of events) await event.ack();
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 0 });
});

it("a consumer that somebody deleted in the server is made again, and nothing it had to settle goes", async () => {
  const queue = await context.open({ stream: "deleted", retentionEvents: 1 });
  const group = queue.group("mailer");
  await group.ensure();
  await queue.sendMany(SENT.slice(0, 3));
  const connection = await connect({ servers: context.server.url });
  const manager = await jetstreamManager(connection);
  for await (const { name } of manager.consumers.list("deleted")) {
    await manager.consumers.delete("deleted", name);
  }
  await connection.close();
  expect(await queue.stats()).toMatchObject({ events: 3 });
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 3 });
  const events = await group.receive({ waitMs: 20_000 });
  expect(events.map(({ payload }) => payload.n)).toEqual([0, 1, 2]);
});
