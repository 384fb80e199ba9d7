import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { QueueError } from "@ringrift/event-queue";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type NatsEventQueue, type NatsQueueOptions, openNatsQueue } from "../../src/index.ts";
import { NatsServer, SERVER } from "test-servers";
import { until } from "../faults.ts";

const canMount = process.platform === "linux" && process.getuid?.() === 0;

async function start(config = "", jetstream = true): Promise<NatsServer> {
  const server = await NatsServer.start(config, jetstream);
  onTestFinished(() => server.dispose());
  return server;
}

async function open(
  server: NatsServer,
  options: Partial<NatsQueueOptions> = {},
): Promise<NatsEventQueue> {
  const given = { servers: server.url, stream: "orders", patienceMs: 4_000 };
  const queue = await openNatsQueue({ ...given, ...options });
  onTestFinished(() => queue.close());
  return queue;
}

async function failure(call: Promise<unknown>): Promise<QueueError> {
  const error: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toMatchObject({ name: "QueueError" });
  // The cast is safe: looked at just now.
  return error as QueueError;
}

async function problemOf(queue: NatsEventQueue): Promise<string> {
  const { ok, problems } = await queue.health();
  expect(ok).toBe(false);
  return problems.map(({ message }) => message).join("\n");
}

async function deleteStream(server: NatsServer, name: string): Promise<void> {
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.delete(name);
  await connection.close();
}

beforeEach((context) => {
  if (SERVER !== true) context.skip(SERVER);
});

describe("a stream that somebody has deleted", { timeout: 60_000 }, () => {
  it("is named by every call and by health, and the queue goes on once it is made again", async () => {
    const server = await start();
    const queue = await open(server);
    await queue.send("ORDER_PLACED", { n: 1 });
    await deleteStream(server, "orders");
    const calls = [
      () => queue.send("ORDER_PLACED", { n: 2 }),
      () => queue.sendMany([1, 2].map((n) => ({ type: "ORDER_PLACED", payload: { n } }))),
      () => queue.history(),
      () => queue.stats(),
      () => queue.group("mailer").receive(),
    ];
    for (const call of calls) {
      const { code, message } = await failure(call());
      expect(code).toBe("STORAGE_FAILED");
      expect(message).toContain('the stream "orders" is gone from the NATS server');
      expect(message).toContain("openNatsQueue");
    }
    expect(await problemOf(queue)).toContain('the stream "orders" is gone');
    await open(server);
    await queue.send("ORDER_PLACED", { n: 3 });
    expect(await queue.history()).toHaveLength(1);
    expect(await queue.health()).toMatchObject({ ok: true, problems: [] });
  });

  it("is named as well when it is that of the state", async () => {
    const server = await start();
    const queue = await open(server);
    await deleteStream(server, "orders-state");
    const { code, message } = await failure(queue.group("mailer").ensure());
    expect(code).toBe("STORAGE_FAILED");
    expect(message).toContain('the stream "orders-state" is gone');
    expect(await problemOf(queue)).toContain('the stream "orders-state" is gone');
  });
});

describe("an account that may not do everything", { timeout: 60_000 }, () => {
  it("is told so when it pulls events, and not that there are none", async () => {
    const server = await start(`authorization { users: [
      { user: all, password: secret }
      { user: poor, password: secret, permissions: { publish: { deny: "$JS.API.CONSUMER.MSG.NEXT.>" } } }
    ] }`);
    const rich = await open(server, { user: "all", pass: "secret" });
    await rich.send("ORDER_PLACED", { n: 1 });
    const poor = await open(server, { user: "poor", pass: "secret" });
    const { code, message } = await failure(poor.group("mailer").receive());
    expect(code).toBe("ACCESS_DENIED");
    expect(message).toContain("CONSUMER.MSG.NEXT.orders");
    expect((await failure(poor.history())).code).toBe("ACCESS_DENIED");
    const errors: unknown[] = [];
    const onError = (error: unknown): unknown => errors.push(error);
    const consumer = poor.consume({ group: "mailer", onError }, () => {});
    await until("the consumer says so", () => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: "ACCESS_DENIED" });
    await consumer.stop();
  });

  it("is told so when its password isn't taken any more, and goes on when it is again", async () => {
    const config = "authorization { user: me, password: secret }";
    const server = await start(config);
    const queue = await open(server, { user: "me", pass: "secret" });
    await queue.send("ORDER_PLACED", { n: 1 });
    const file = join(server.folder, "server.conf");
    const original = readFileSync(file, "utf8");
    await server.kill();
    writeFileSync(file, original.replace("secret", "changed"));
    await server.run();
    await until("the reason is known", async () =>
      (await problemOf(queue)).includes("Authorization Violation"),
    );
    const { code, message } = await failure(queue.send("ORDER_PLACED", { n: 2 }));
    expect(code).toBe("ACCESS_DENIED");
    expect(message).toContain("Authorization Violation");
    await server.kill();
    writeFileSync(file, original);
    await server.run();
    await until("it is connected again", async () => (await queue.health()).ok);
    await queue.send("ORDER_PLACED", { n: 3 });
    expect(await queue.history()).toHaveLength(2);
  });
});

describe("a server without room", { timeout: 120_000 }, () => {
  it("isn't healthy while its limits refuse every send", async () => {
    const server = await start();
    const queue = await open(server, { limits: { maxEvents: 2 }, retentionEvents: 1 });
    for (const n of [1, 2]) await queue.send("ORDER_PLACED", { n });
    expect((await failure(queue.send("ORDER_PLACED", { n: 3 }))).code).toBe("QUEUE_FULL");
    expect(await problemOf(queue)).toContain("has no room");
    // Retention makes some.
    await queue.stats();
    expect(await queue.health()).toMatchObject({ ok: true, problems: [] });
    await queue.send("ORDER_PLACED", { n: 4 });
  });

  it("isn't healthy when its disk is full, says what to do, and loses nothing", async (context) => {
    if (!canMount) context.skip("needs to mount a small file system: root on Linux");
    const disk = mkdtempSync(join(tmpdir(), "ringrift-disk-"));
    command("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", disk]);
    onTestFinished(() => {
      command("umount", [disk]);
      rmSync(disk, { recursive: true });
    });
    const server = await start(`jetstream { store_dir: "${disk}/store", max_file: 1G }`, false);
    const queue = await open(server);
    const stored = new Set<string>();
    const events = Array.from({ length: 20 }, () => ({
      type: "ORDER_PLACED",
      payload: "x".repeat(1_000),
    }));
    let refused: QueueError | undefined;
    while (refused === undefined) {
      const sending = queue.sendMany(events);
      const failed = await sending.then(
        () => undefined,
        () => failure(sending),
      );
      if (failed === undefined) for (const { id } of await sending) stored.add(id);
      else refused = failed;
    }
    expect(refused.message).toContain("its disk, which may be full");
    await expect(queue.send("ORDER_PLACED", { n: 1 })).rejects.toThrow("restart it");
    expect(await problemOf(queue)).toContain("its disk, which may be full");
    command("mount", ["-o", "remount,size=64m", disk]);
    await server.kill("SIGTERM");
    await server.run();
    await until("it is connected again", async () => (await queue.health()).ok);
    await queue.send("ORDER_PLACED", { n: 2 });
    const kept = new Set((await queue.history({ limit: 100_000 })).map(({ id }) => id));
    expect([...stored].filter((id) => !kept.has(id))).toEqual([]);
    expect(stored.size).toBeGreaterThan(1_000);
  });
});

describe("a cluster without a majority", { timeout: 180_000 }, () => {
  it("is told from a server that is away, isn't healthy, and goes on when the others are back", async () => {
    const servers = await NatsServer.cluster(3);
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.dispose()));
    });
    const [first, ...others] = servers as [NatsServer, NatsServer, NatsServer];
    const queue = await open(first, {
      replicas: 3,
      patienceMs: 10_000,
      connection: { ignoreClusterUpdates: true },
    });
    await queue.send("ORDER_PLACED", { n: 1 });
    for (const server of others) await server.kill();
    const { code, message } = await failure(queue.send("ORDER_PLACED", { n: 2 }));
    expect(code).toBe("SERVER_UNREACHABLE");
    expect(message).toContain('nobody leads the stream "orders"');
    expect(await problemOf(queue)).toContain('nobody leads the stream "orders"');
    await Promise.all(others.map((server) => server.run()));
    await until("they lead again", async () => (await queue.health()).ok, 120_000);
    await queue.send("ORDER_PLACED", { n: 3 });
  });
});

function command(name: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
}
