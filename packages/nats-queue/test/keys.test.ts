import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Proxy } from "test-servers";
import { expect, it, onTestFinished } from "vitest";
import type { NatsEventQueue } from "../src/index.ts";
import { sleep, until } from "./faults.ts";
import { withServer } from "./with-server.ts";

const servers = withServer();
const POLICY = { leaseMs: 30_000, backoff: { initialMs: 1, maxMs: 1 } } as const;

/** So many events of one key. */
async function sendOfKey(queue: NatsEventQueue, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await queue.send("ORDER_PLACED", { n }, { key: "order-1" });
}

/** Has the server forget all that the queue's group was given and has acknowledged, as one that is killed may. */
async function forgetDeliveries(stream: string): Promise<void> {
  const connection = await connect({ servers: servers.server.url });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  for await (const { name } of manager.consumers.list(stream)) {
    await manager.consumers.delete(stream, name);
  }
}

it("one of two members that were given the same event settles it, also with others of its key behind it", async () => {
  const first = await servers.open({ stream: "twice" });
  const second = await servers.open({ stream: "twice" });
  await sendOfKey(first, 3);
  const member = first.group("mailer", POLICY);
  const other = second.group("mailer", POLICY);
  const [event] = await member.receive({ limit: 1 });
  await until("those behind it wait in the log", async () => {
    await other.receive({ limit: 10, waitMs: 50 });
    const [{ cursor } = { cursor: 0 }] = await first.groups.list();
    return cursor === 3;
  });
  await forgetDeliveries("twice");
  const [again] = await other.receive({ limit: 1, waitMs: 5_000 });
  expect(again?.id).toBe(event?.id);
  expect(await event?.ack()).toBe(true);
  expect(await again?.ack()).toBe(false);
  const next = await member.receive({ limit: 1, waitMs: 5_000 });
  expect(next.map(({ position }) => position)).toEqual([2]);
  expect(await other.receive({ limit: 1, waitMs: 300 })).toEqual([]);
});

it("a member whose ack was lost on the way isn't told that it settled what another one has settled", async () => {
  const proxy = await Proxy.to(servers.server.port);
  onTestFinished(() => proxy.close());
  const first = await servers.open({ stream: "lost" });
  const second = await servers.open({ stream: "lost", servers: proxy.url });
  await sendOfKey(first, 1);
  const [event] = await first.group("mailer", POLICY).receive({ limit: 1 });
  await forgetDeliveries("lost");
  const [again] = await second.group("mailer", POLICY).receive({ limit: 1, waitMs: 5_000 });
  expect(again?.id).toBe(event?.id);
  proxy.cut();
  const late = again?.ack();
  await sleep(200);
  expect(await event?.ack()).toBe(true);
  proxy.heal();
  expect(await late).toBe(false);
});

it("what a member begins after its connection was lost is its own, though somebody else had been given it too", async () => {
  const proxy = await Proxy.to(servers.server.port);
  onTestFinished(() => proxy.close());
  const first = await servers.open({ stream: "again" });
  const second = await servers.open({ stream: "again", servers: proxy.url });
  await second.group("mailer", POLICY).ensure();
  await sendOfKey(first, 1);
  const [event] = await first.group("mailer", POLICY).receive({ limit: 1 });
  proxy.cut();
  proxy.heal();
  await second.stats();
  await forgetDeliveries("again");
  const [again] = await second.group("mailer", POLICY).receive({ limit: 1, waitMs: 5_000 });
  expect(again?.id).toBe(event?.id);
  expect(await event?.ack()).toBe(false);
  expect(await again?.ack()).toBe(true);
});

it("a member isn't given once more what it has, where the server forgot that it gave it", async () => {
  const queue = await servers.open({ stream: "has" });
  const member = queue.group("mailer", { ...POLICY, maxAttempts: 1 });
  await member.ensure();
  await queue.send("ORDER_PLACED", { n: 1 });
  await queue.send("ORDER_PLACED", { n: 2 }, { key: "order-1" });
  const begun = await member.receive({ limit: 2 });
  await begun.find(({ key }) => key !== undefined)?.nack();
  await queue.deadLetters.redrive({ group: "mailer" });
  const redriven = await member.receive({ limit: 1, waitMs: 10_000 });
  expect(redriven).toMatchObject([{ key: "order-1" }]);
  await forgetDeliveries("has");
  await forgetDeliveries("has-dead");
  expect(await member.receive({ limit: 2, waitMs: 1_000 })).toEqual([]);
  for (const event of [...redriven, ...begun.filter(({ key }) => key === undefined)]) {
    expect(await event.ack()).toBe(true);
  }
  expect(await member.receive({ limit: 2, waitMs: 500 })).toEqual([]);
});

it("a group has leases of whatever length", async () => {
  const queue = await servers.open({ stream: "lengths" });
  for (const leaseMs of [10, 333, 1_893, 12_345]) {
    await queue.group(`mailer-${leaseMs}`, { leaseMs }).ensure();
  }
  expect(await queue.groups.list()).toHaveLength(4);
});

it("an event comes again that failed, though its member was about to leave it to the log when its turn came", async () => {
  const proxy = await Proxy.to(servers.server.port);
  onTestFinished(() => proxy.close());
  const policy = { ...POLICY, leaseMs: 2_000 };
  const other = await servers.open({ stream: "turn" });
  const queue = await servers.open({ stream: "turn", servers: proxy.url });
  await other.send("ORDER_PLACED", { n: 0 }, { key: "order-0" });
  const [held] = await other.group("mailer", policy).receive({ limit: 1 });
  const renewing = setInterval(() => void held?.extend(policy.leaseMs), 200);
  onTestFinished(() => clearInterval(renewing));
  await sendOfKey(other, 2);
  const member = queue.group("mailer", policy);
  const [first] = await member.receive({ limit: 2 });
  expect(await first?.ack()).toBe(true);
  // What comes next is looked for, for as long as those that wait at a member may.
  proxy.cut();
  await sleep(policy.leaseMs / 2);
  proxy.heal();
  const [second] = await member.receive({ limit: 1, waitMs: 5_000 });
  expect(second).toMatchObject({ payload: { n: 2 }, attempt: 1 });
  await second?.nack();
  const again = await member.receive({ limit: 1, waitMs: 5_000 });
  expect(again).toMatchObject([{ payload: { n: 2 }, attempt: 2 }]);
});

it("an event that comes while the one before it fails isn't passed over", async () => {
  const queue = await servers.open({ stream: "meanwhile" });
  const member = queue.group("mailer", POLICY);
  for (let round = 0; round < 16; round += 1) {
    const key = `order-${round}`;
    for (const n of [1, 2]) await queue.send("ORDER_PLACED", { n }, { key });
    const [first] = await member.receive({ limit: 1, waitMs: 5_000 });
    // The second one comes at another moment of the failure in each round.
    const meanwhile = sleep((round % 8) / 2).then(() => member.receive({ limit: 1 }));
    await first?.nack({ delayMs: 250 });
    expect(await meanwhile).toEqual([]);
    for (const n of [1, 2]) {
      const [event] = await member.receive({ limit: 1, waitMs: 5_000 });
      expect(event).toMatchObject({ key, payload: { n } });
      await event?.ack();
    }
  }
});
