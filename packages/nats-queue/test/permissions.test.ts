import { readFileSync } from "node:fs";
import { connect, headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { NatsServer, SERVER } from "test-servers";
import { type NatsEventQueue, openNatsQueue } from "../src/index.ts";

const PAGE = new URL("../../../docs/nats-permissions.md", import.meta.url);

let server: NatsServer;

beforeAll(async () => {
  if (SERVER !== true) return;
  const [, config] = /```conf\n([\s\S]*?)```/.exec(readFileSync(PAGE, "utf8")) ?? [];
  server = await NatsServer.start(config);
  await (await openAs("operator")).close();
});
afterAll(() => server?.dispose());
beforeEach((context) => {
  if (SERVER !== true) context.skip(SERVER);
});

async function openAs(role: string): Promise<NatsEventQueue> {
  const connection = { inboxPrefix: `_INBOX_${role}` };
  const who = { user: role, pass: role, connection };
  return openNatsQueue({ servers: server.url, stream: "orders", patienceMs: 3_000, ...who });
}

async function queueOf(role: string): Promise<NatsEventQueue> {
  const queue = await openAs(role);
  onTestFinished(() => queue.close());
  return queue;
}

const DENIED = { code: "ACCESS_DENIED" };

describe("the rights of docs/nats-permissions.md", () => {
  it("let a publisher send its type, in every way but later", async () => {
    const queue = await queueOf("sensor");
    const first = await queue.send("SENSOR_READ", { n: 1 }, { key: "a", dedupeKey: "once" });
    const again = await queue.send("SENSOR_READ", { n: 1 }, { key: "a", dedupeKey: "once" });
    expect(again).toMatchObject({ id: first.id, duplicate: true, payload: { n: 1 } });
    const many = [1, 2].map((n) => ({ type: "SENSOR_READ", payload: { n } }));
    expect(await queue.sendMany(many)).toHaveLength(2);
    expect(await queue.health()).toMatchObject({ ok: true });
  });

  it("let a publisher do nothing else", async () => {
    const operator = await queueOf("operator");
    await operator.group("pay", { from: "beginning" }).ensure();
    const queue = await queueOf("sensor");
    const { newestPosition } = await operator.stats();
    await expect(queue.send("PAYMENT", {})).rejects.toMatchObject(DENIED);
    const mixed = ["SENSOR_READ", "PAYMENT"].map((type) => ({ type, payload: {} }));
    await expect(queue.sendMany(mixed)).rejects.toMatchObject(DENIED);
    await expect(queue.send("SENSOR_READ", {}, { delayMs: 10 })).rejects.toMatchObject(DENIED);
    await expect(queue.group("pay").receive()).rejects.toMatchObject(DENIED);
    await expect(queue.groups.seek("pay", "now")).rejects.toMatchObject(DENIED);
    await expect(queue.groups.remove("pay")).rejects.toMatchObject(DENIED);
    expect((await operator.stats()).newestPosition).toBe(newestPosition);
    expect(await operator.groups.list()).toMatchObject([{ name: "pay", cursor: 0 }]);
  });

  it("let nobody forge or suppress another type's events from the type that is theirs", async () => {
    const operator = await queueOf("operator");
    const bare = await connect({
      servers: server.url,
      user: "sensor",
      pass: "sensor",
      inboxPrefix: "_INBOX_sensor",
    });
    onTestFinished(() => bare.close());
    const sent = await operator.send("PAYMENT", { cents: 1 });
    const forged = headers();
    const { id, time, source, origin, correlationId, via } = sent;
    const lineage = { id, time, source, origin, correlationId, via };
    forged.set("Ringrift-Lineage", JSON.stringify(lineage));
    forged.set("Ringrift-Type", "PAYMENT");
    forged.set("Nats-Msg-Id", `id:${id}`);
    bare.publish("orders.events.SENSOR_READ._", '{"cents":1000000}', { headers: forged });
    bare.publish("orders.events.PAYMENT._", "{}");
    bare.publish("orders.state.extent", '{"created":"","newest":9999999}');
    await bare.flush();
    await operator.send("PAYMENT", { cents: 2 });
    const payments = await operator.history({ eventTypes: ["PAYMENT"] });
    expect(payments.map(({ payload }) => payload)).toEqual([{ cents: 1 }, { cents: 2 }]);
    expect(await operator.health()).toMatchObject({ ok: true });
  });

  it("let a member handle everything, retry and bury, and send what it is named for", async () => {
    const operator = await queueOf("operator");
    const queue = await queueOf("worker");
    const handled: string[] = [];
    const consumer = queue.consume(
      { group: "checks", from: "now", maxAttempts: 2, backoff: { initialMs: 1 } },
      async ({ type, id, key }) => {
        if (type === "BROKEN") throw new Error("no");
        handled.push(type);
        if (type === "SENSOR_READ") await queue.send("SENSOR_CHECKED", { of: id }, { key });
      },
    );
    await expect
      .poll(async () => (await operator.groups.list()).map(({ name }) => name))
      .toContain("checks");
    await operator.send("SENSOR_READ", {}, { key: "a" });
    await operator.send("BROKEN", {});
    await queue.send("SENSOR_CHECKED", {}, { delayMs: 50 });
    await expect.poll(() => handled.length, { timeout: 15_000 }).toBe(3);
    expect(handled.toSorted()).toEqual(["SENSOR_CHECKED", "SENSOR_CHECKED", "SENSOR_READ"]);
    await expect.poll(async () => (await queue.deadLetters.list()).length).toBe(1);
    expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
    await expect(queue.send("PAYMENT", {})).rejects.toMatchObject(DENIED);
    await consumer.stop();
  });

  it("leave a delayed event to a process that may send its type", async () => {
    // It asks for the right to take in what is due as soon as it is open, and may have it.
    const worker = await queueOf("worker");
    const operator = await queueOf("operator");
    const { id } = await operator.send("PAYMENT", { later: true }, { delayMs: 300 });
    await worker.send("SENSOR_CHECKED", { later: true }, { delayMs: 200 });
    const stored = async (): Promise<string[]> =>
      (await operator.history({ limit: 10_000 })).map((event) => event.id);
    await expect.poll(stored, { timeout: 20_000 }).toContain(id);
  });
});
