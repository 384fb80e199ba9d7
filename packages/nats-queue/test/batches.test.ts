import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, headers } from "@nats-io/transport-node";
import type { QueueError } from "@ringrift/event-queue";
import { describe, expect, it, onTestFinished } from "vitest";
import { NatsServer, Proxy, SERVER } from "test-servers";
import { openNatsQueue } from "../src/index.ts";
import { withServer } from "./with-server.ts";

const MANY = 60_000;

function events(count: number, more: object = {}) {
  return Array.from({ length: count }, (_, n) => ({
    type: "ORDER_PLACED",
    payload: { n },
    ...more,
  }));
}

async function failure(attempt: Promise<unknown>): Promise<QueueError> {
  // The cast is safe enough for what is expected of it.
  return attempt.then(
    () => new Error("It didn't fail."),
    (error: unknown) => error,
  ) as Promise<QueueError>;
}

/** A server with these limits of batches. */
async function serverWithBatches(limits: string): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const block = `jetstream { store_dir: "${folder}"\nlimits { batch { ${limits} } } }`;
  const server = await NatsServer.start(block, false);
  onTestFinished(() => server.dispose());
  return server;
}

describe("sendMany", () => {
  const context = withServer();

  it("stores nothing when there is no room for all", async () => {
    const queue = await context.open({ limits: { maxEvents: 10 } });
    await queue.sendMany(events(8));
    const error = await failure(queue.sendMany(events(5)));
    expect(error.code).toBe("QUEUE_FULL");
    expect(error.message).toContain("Of the 5 events of this call nothing is stored.");
    expect(await queue.stats()).toMatchObject({ events: 8 });
    expect(await queue.sendMany(events(2))).toMatchObject([{ position: 9 }, { position: 10 }]);
  });

  it("says how many of a call are stored that is more than one batch", async () => {
    const queue = await context.open({ limits: { maxEvents: 2_500 } });
    const error = await failure(queue.sendMany(events(4_000)));
    expect(error.code).toBe("QUEUE_FULL");
    expect(error.message).toContain(
      "Of the 4000 events of this call the first 2000 are stored, and nothing of the others.",
    );
    expect(await queue.stats()).toMatchObject({ events: 2_000 });
  });

  it("stores the rest, in order, where some are known already", async () => {
    const queue = await context.open();
    await queue.send("ORDER_PLACED", { n: -1 }, { dedupeKey: "b" });
    const sent = await queue.sendMany(
      ["a", "b", "c", "a"].map((dedupeKey, n) => ({
        type: "ORDER_PLACED",
        payload: { n },
        dedupeKey,
      })),
    );
    expect(sent.map(({ position, duplicate }) => [position, duplicate])).toEqual([
      [2, undefined],
      [1, true],
      [3, undefined],
      [2, true],
    ]);
    expect(sent.map(({ payload }) => (payload as { n: number }).n)).toEqual([0, -1, 2, 0]);
    expect(await queue.stats()).toMatchObject({ events: 3 });
    expect(sent[3]?.id).toBe(sent[0]?.id);
  });

  it("sent again stores nothing", async () => {
    const queue = await context.open();
    const keyed = Array.from({ length: 1_200 }, (_, n) => ({
      type: "ORDER_PLACED",
      payload: { n },
      dedupeKey: `k${n}`,
    }));
    const sent = await queue.sendMany(keyed);
    const again = await queue.sendMany(keyed);
    expect(again.map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    expect(again.every(({ duplicate }) => duplicate)).toBe(true);
    expect(await queue.stats()).toMatchObject({ events: 1_200 });
  });

  it("takes 60,000 events in one call, in order", { timeout: 120_000 }, async () => {
    const queue = await context.open();
    const sent = await queue.sendMany(events(MANY));
    expect(sent.every(({ position }, index) => position === index + 1)).toBe(true);
    expect(await queue.stats()).toMatchObject({ events: MANY });
  });

  it(
    "isn't needed for many events: as many sends at once are stored",
    { timeout: 120_000 },
    async () => {
      const queue = await context.open();
      const sent = await Promise.all(
        events(MANY).map(({ type, payload }) => queue.send(type, payload)),
      );
      expect(sent.every(({ position }, index) => position === index + 1)).toBe(true);
    },
  );

  it("waits until the server has a place for a batch", async () => {
    const server = await serverWithBatches('max_inflight_per_stream: 2, timeout: "1s"');
    const queue = await openNatsQueue({ servers: server.url, stream: "crowded" });
    onTestFinished(() => queue.close());
    const connection = await connect({ servers: server.url });
    onTestFinished(() => connection.close());
    for (const batch of ["one", "two"]) {
      const own = headers();
      own.set("Nats-Batch-Id", batch);
      own.set("Nats-Batch-Sequence", "1");
      await connection.request("crowded.events.OTHER._", "", { headers: own, timeout: 5_000 });
    }
    expect(await queue.sendMany(events(3))).toMatchObject([{ position: 1 }, {}, { position: 3 }]);
  });

  it("to a type that the user may not send stores nothing of the others", async (test) => {
    if (SERVER !== true) test.skip(SERVER);
    const server = await NatsServer.start(
      `authorization { users: [{ user: a, password: a }, { user: b, password: b, permissions: { publish: { deny: "orders.events.B.>" } } }] }`,
    );
    onTestFinished(() => server.dispose());
    const all = { servers: server.url, stream: "orders" };
    const admin = await openNatsQueue({ ...all, user: "a", pass: "a" });
    onTestFinished(() => admin.close());
    const queue = await openNatsQueue({ ...all, user: "b", pass: "b" });
    onTestFinished(() => queue.close());
    const sent = queue.sendMany(["A", "B", "A"].map((type) => ({ type, payload: {} })));
    expect((await failure(sent)).code).toBe("ACCESS_DENIED");
    expect(await admin.stats()).toMatchObject({ events: 0 });
  });

  it("goes in smaller batches where the server takes fewer in one", async () => {
    const server = await serverWithBatches("max_msgs: 10");
    const queue = await openNatsQueue({ servers: server.url, stream: "orders" });
    onTestFinished(() => queue.close());
    const sent = await queue.sendMany(events(25));
    expect(sent.map(({ position }) => position)).toEqual(events(25).map((_, n) => n + 1));
  });

  it("takes back what it has delayed when the others are refused", async () => {
    const queue = await context.open({ limits: { maxEvents: 2 } });
    const delayed = events(3, { delayMs: 60_000, dedupeKey: "k" });
    expect((await failure(queue.sendMany([...delayed, ...events(3)]))).code).toBe("QUEUE_FULL");
    expect(await queue.stats()).toMatchObject({ events: 0, delayed: 0 });
    expect(await queue.sendMany(delayed.slice(0, 1))).toMatchObject([{ position: 0 }]);
  });
});

it("a stream of an earlier version takes batches once it is opened", async (test) => {
  if (SERVER !== true) test.skip(SERVER);
  const server = await NatsServer.start();
  onTestFinished(() => server.dispose());
  const connection = await connect({ servers: server.url });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: "orders",
    description: "RingRift queue, schema 1: events",
    subjects: ["orders.events.*.*"],
  });
  const queue = await openNatsQueue({ servers: server.url, stream: "orders" });
  onTestFinished(() => queue.close());
  expect(await queue.sendMany(events(3))).toHaveLength(3);
});

it("says what may be stored when the server is gone in the middle", async (test) => {
  if (SERVER !== true) test.skip(SERVER);
  const server = await NatsServer.start();
  onTestFinished(() => server.dispose());
  const proxy = await Proxy.to(server.port);
  onTestFinished(() => proxy.close());
  const queue = await openNatsQueue({ servers: proxy.url, stream: "orders", patienceMs: 500 });
  onTestFinished(() => queue.close());
  await queue.send("ORDER_PLACED", { n: 0 });
  proxy.cut();
  const error = await failure(queue.sendMany(events(3)));
  expect(error.code).toBe("SERVER_UNREACHABLE");
  expect(error.message).toContain("The 3 events of this call may be stored, all of them or none.");
  const many = await failure(queue.sendMany(events(1_001)));
  expect(many.message).toContain(
    "Of the 1001 events of this call the first 1000 may be stored, all of them or none, and nothing of the others.",
  );
});

it(
  "sends that wait their turn don't wait longer for a server that is away than the others",
  { timeout: 60_000 },
  async (test) => {
    if (SERVER !== true) test.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const proxy = await Proxy.to(server.port);
    onTestFinished(() => proxy.close());
    const queue = await openNatsQueue({ servers: proxy.url, stream: "orders", patienceMs: 8_000 });
    onTestFinished(() => queue.close());
    await queue.send("ORDER_PLACED", { n: 0 });
    proxy.cut();
    const began = performance.now();
    const sends = await Promise.all(
      events(8_000).map(({ type, payload }) => failure(queue.send(type, payload))),
    );
    // In four turns of 2,000 it would be four times as long.
    expect(performance.now() - began).toBeLessThan(18_000);
    expect(new Set(sends.map(({ code }) => code))).toEqual(new Set(["SERVER_UNREACHABLE"]));
  },
);

it(
  "what a lost connection leaves open is stored once, all of it",
  { timeout: 60_000 },
  async (test) => {
    if (SERVER !== true) test.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const proxy = await Proxy.to(server.port);
    onTestFinished(() => proxy.close());
    const queue = await openNatsQueue({ servers: proxy.url, stream: "orders" });
    onTestFinished(() => queue.close());
    for (let round = 0; round < 20; round += 1) {
      const sent = queue.sendMany(events(500));
      await new Promise((resolve) => setTimeout(resolve, round));
      proxy.heal();
      expect(await sent).toHaveLength(500);
    }
    const log = await queue.history({ limit: 20_000 });
    expect(log).toHaveLength(10_000);
    expect(new Set(log.map(({ id }) => id)).size).toBe(10_000);
    // Each call is in one piece.
    expect(log.every(({ payload }, index) => (payload as { n: number }).n === index % 500)).toBe(
      true,
    );
  },
);
