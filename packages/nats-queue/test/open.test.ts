import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { QueueError } from "@ringrift/event-queue";
import { describe, expect, it, onTestFinished } from "vitest";
import { openNatsQueue } from "../src/index.ts";
import { freePort, NatsServer, SERVER } from "test-servers";
import { withServer } from "./with-server.ts";

async function refusal(attempt: () => Promise<unknown>): Promise<QueueError> {
  const error = await attempt().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof QueueError))
    throw new Error(`Expected a QueueError, got ${String(error)}`);
  return error;
}

describe("openNatsQueue", () => {
  const context = withServer("max_payload: 100000");

  async function admin(): Promise<NatsConnection> {
    const connection = await connect({ servers: context.server.url });
    onTestFinished(() => connection.close());
    return connection;
  }

  it("resolves when the queue can be used, and makes its streams once", async () => {
    const first = await context.open({ stream: "orders" });
    await first.send("ORDER_PLACED", { n: 1 });
    const second = await context.open({ stream: "orders" });
    expect(await second.history()).toHaveLength(1);
    const manager = await jetstreamManager(await admin());
    expect((await manager.streams.info("orders")).config).toMatchObject({
      subjects: ["orders.events.*.*"],
      storage: "file",
      num_replicas: 1,
      duplicate_window: 600_000_000_000,
    });
  });

  it("brings streams that exist to options that are given, and leaves them alone otherwise", async () => {
    await context.open({ stream: "changing", limits: { maxEvents: 50 } });
    await context.open({ stream: "changing", dedupeWindowMs: 60_000 });
    const manager = await jetstreamManager(await admin());
    const { config } = await manager.streams.info("changing");
    expect(config).toMatchObject({ max_msgs: 50, duplicate_window: 60_000_000_000 });
  });

  it("says where no server answers, without the password", async () => {
    const port = await freePort();
    const error = await refusal(() =>
      openNatsQueue({ servers: `nats://me:secret@127.0.0.1:${port}`, stream: "orders" }),
    );
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toContain("nats-server -js");
    expect(error.message).not.toContain("secret");
    expect(error.cause).toBeDefined();
  });

  it("leaves a stream of something else as it is", async () => {
    const manager = await jetstreamManager(await admin());
    await manager.streams.add({ name: "theirs", subjects: ["theirs.>"] });
    const error = await refusal(() => context.open({ stream: "theirs" }));
    expect(error.code).toBe("NOT_A_QUEUE");
    expect(error.message).toContain('"theirs"');
    expect((await manager.streams.info("theirs")).config.subjects).toEqual(["theirs.>"]);
  });

  it("refuses subjects that another stream has", async () => {
    const manager = await jetstreamManager(await admin());
    await manager.streams.add({ name: "wide", subjects: ["narrow.>"] });
    const error = await refusal(() => context.open({ stream: "narrow" }));
    expect(error.code).toBe("NOT_A_QUEUE");
  });

  it("refuses a queue of a newer version", async () => {
    const manager = await jetstreamManager(await admin());
    await manager.streams.add({
      name: "newer",
      description: "RingRift queue, schema 99: events",
      subjects: ["newer.events.*.*"],
    });
    const error = await refusal(() => context.open({ stream: "newer" }));
    expect(error.code).toBe("SCHEMA_TOO_NEW");
  });

  it("refuses an event above the server's limit, with both sizes and what to do", async () => {
    const queue = await context.open();
    const error = await refusal(() => queue.send("ORDER_PLACED", "x".repeat(90_000)));
    expect(error.code).toBe("PAYLOAD_TOO_LARGE");
    expect(error.message).toContain("max_payload of 100000");
    expect(await queue.history()).toEqual([]);
    await queue.send("ORDER_PLACED", "x".repeat(80_000));
  });

  it("refuses sends when the limits of the server are reached, and drops nothing", async () => {
    const queue = await context.open({ limits: { maxEvents: 3 } });
    for (const n of [1, 2, 3]) await queue.send("ORDER_PLACED", { n });
    const error = await refusal(() => queue.send("ORDER_PLACED", { n: 4 }));
    expect(error.code).toBe("QUEUE_FULL");
    expect(await queue.history()).toHaveLength(3);
  });

  const malformed: readonly (readonly [string, object])[] = [
    ["no name", { stream: "" }],
    ["a name with a dot", { stream: "a.b" }],
    ["an option that doesn't exist", { stram: "a" }],
    ["too many replicas", { replicas: 7 }],
    ["a window of 1 ms", { dedupeWindowMs: 1 }],
    ["limits that don't exist", { limits: { maxMessages: 1 } }],
  ];
  for (const [name, options] of malformed) {
    it(`refuses ${name}`, async () => {
      expect((await refusal(() => context.open(options))).code).toBe("INVALID_OPTION");
    });
  }

  it("warns that one copy may lose the last moments in a power cut, and is healthy all the same", async () => {
    const queue = await context.open();
    const health = await queue.health();
    expect(health).toMatchObject({ ok: true, problems: [] });
    expect(health.backend).toMatch(/^nats-server 2\./);
    expect(health.details).toMatchObject({ replicas: 1, reconnects: 0, connected: true });
    expect(JSON.stringify(health.details["warnings"])).toContain("sync_interval: always");
  });
});

describe("a server with conditions", () => {
  it("without JetStream is refused with what to do", async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start("", false);
    onTestFinished(() => server.dispose());
    const error = await refusal(() => openNatsQueue({ servers: server.url, stream: "orders" }));
    expect(error.code).toBe("JETSTREAM_DISABLED");
    expect(error.message).toContain("-js");
  });

  it("that goes away is named by health, and calls say so until it is back", async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const options = { servers: server.url, stream: "orders", patienceMs: 300 };
    const queue = await openNatsQueue(options);
    onTestFinished(() => queue.close());
    await queue.send("ORDER_PLACED", { n: 1 });
    await server.kill();
    const error = await refusal(() => queue.send("ORDER_PLACED", { n: 2 }));
    expect(error.code).toBe("SERVER_UNREACHABLE");
    const health = await queue.health();
    expect(health.ok).toBe(false);
    expect(health.problems).toContainEqual(expect.objectContaining({ code: "DISCONNECTED" }));
    await server.run();
    await expect.poll(() => queue.health().then(({ ok }) => ok), { timeout: 15_000 }).toBe(true);
    expect((await queue.health()).details).toMatchObject({ disconnects: 1, reconnects: 1 });
    expect(await queue.history()).toHaveLength(1);
  });
});
