import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { sleep, until } from "./faults.ts";
import { withServer } from "./with-server.ts";

const context = withServer();

it("a delayed send with the dedupe key of an event that was sent at once is its duplicate", async () => {
  const queue = await context.open();
  const first = await queue.send("ORDER_PLACED", { n: 1 }, { dedupeKey: "k" });
  const again = await queue.send("ORDER_PLACED", { n: 2 }, { dedupeKey: "k", delayMs: 60_000 });
  expect(again).toMatchObject({ id: first.id, position: 1, duplicate: true });
  expect(await queue.stats()).toMatchObject({ events: 1, delayed: 0, sent: 1, duplicates: 1 });
});

it("what another instance has delayed is known to a send at once", async () => {
  const one = await context.open({ stream: "shared" });
  const other = await context.open({ stream: "shared" });
  const first = await one.send("ORDER_PLACED", { n: 1 }, { dedupeKey: "k", delayMs: 60_000 });
  const again = await other.send("ORDER_PLACED", { n: 2 }, { dedupeKey: "k" });
  expect(again).toMatchObject({ id: first.id, dueAt: first.dueAt, position: 0, duplicate: true });
});

it("sends at once that share a delayed event's dedupe key within one call don't lose their order", async () => {
  const queue = await context.open();
  await queue.send("ORDER_PLACED", { n: 0 }, { dedupeKey: "waits", delayMs: 60_000 });
  const sent = await queue.sendMany([
    { type: "ORDER_PLACED", payload: { n: 1 }, dedupeKey: "a" },
    { type: "ORDER_PLACED", payload: { n: 2 } },
    { type: "ORDER_PLACED", payload: { n: 3 }, dedupeKey: "waits" },
    { type: "ORDER_PLACED", payload: { n: 4 }, dedupeKey: "b" },
  ]);
  expect(sent.map(({ position }) => position)).toEqual([1, 2, 0, 3]);
  expect(sent[2]).toMatchObject({ payload: { n: 0 }, duplicate: true });
});

it("what the log has no room for goes on waiting, and comes in when there is some", async () => {
  const queue = await context.open({ limits: { maxEvents: 2 }, retentionEvents: 1 });
  const group = queue.group("mailer");
  await group.ensure();
  await queue.send("ORDER_PLACED", { n: 1 });
  await queue.send("ORDER_PLACED", { n: 2 });
  await queue.send("ORDER_PLACED", { n: 3 }, { delayMs: 50 });
  await sleep(500);
  expect(await queue.stats()).toMatchObject({ events: 2, delayed: 1 });
  for (const event of await group.receive()) await event.ack();
  await until("it has come in", async () => (await queue.stats()).delayed === 0);
  const [event] = await group.receive({ waitMs: 10_000 });
  expect(event?.payload).toEqual({ n: 3 });
});

it("an event that has come in leaves nothing behind once its dedupe window is over, but its id if that isn't what the server knew it by", async () => {
  const queue = await context.open({ stream: "tidy", dedupeWindowMs: 200 });
  const group = { dedupeKey: "k", delayMs: 10 };
  await queue.send("ORDER_PLACED", { n: 1 }, group);
  await queue.send("ORDER_PLACED", { n: 2 }, { delayMs: 10 });
  await until("both have come in", async () => (await queue.stats()).events === 2);
  await sleep(300);
  await queue.stats();
  const connection = await connect({ servers: context.server.url });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  const filter = { subjects_filter: "tidy.state.>" };
  const { state } = await manager.streams.info("tidy-state", filter);
  expect(Object.keys(state.subjects ?? {}).toSorted()).toEqual([
    "tidy.state.clock",
    "tidy.state.extent",
    expect.stringMatching(/^tidy\.state\.id\.ORDER_PLACED\.[0-9a-f]+$/),
    "tidy.state.identity",
  ]);
});
