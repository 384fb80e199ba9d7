import { beforeAll, afterAll, describe, expect, it, onTestFinished } from "vitest";
import { type NatsEventQueue, openNatsQueue } from "../../src/index.ts";
import { until } from "../faults.ts";
import { NatsServer, SERVER } from "test-servers";
import { Child } from "./child.ts";

let server: NatsServer;

beforeAll(async () => {
  if (SERVER === true) server = await NatsServer.start();
});
afterAll(async () => {
  if (SERVER === true) await server.dispose();
});

async function open(stream: string): Promise<NatsEventQueue> {
  const queue = await openNatsQueue({ servers: server.url, stream });
  onTestFinished(() => queue.close());
  return queue;
}

describe("processes of a group", { timeout: 60_000 }, () => {
  it("what a killed process held is delivered again to another: same id, attempt 2", async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const queue = await open("killed");
    const sent = await queue.sendMany(
      Array.from({ length: 5 }, (_, n) => ({ type: "ORDER_PLACED", payload: { n } })),
    );
    const leaseMs = 1_500;
    const child = new Child("holder", { servers: server.url, stream: "killed", leaseMs });
    const held = await child.count("holding", 5);
    await child.kill();
    const seen: { id: string; attempt: number; redelivered: boolean }[] = [];
    const consumer = queue.consume({ group: "mailer", concurrency: 5 }, (event) => {
      const { id, attempt, redelivered } = event;
      seen.push({ id, attempt, redelivered });
    });
    await until("all are handled", () => consumer.stats().handled === 5);
    const ids = new Set(sent.map(({ id }) => id));
    expect(new Set(held.map(({ id }) => id))).toEqual(ids);
    expect(new Set(seen.map(({ id }) => id))).toEqual(ids);
    for (const { attempt, redelivered } of seen) {
      expect({ attempt, redelivered }).toEqual({ attempt: 2, redelivered: true });
    }
  });

  it("a process that was stopped for longer than its lease can't settle any more", async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const queue = await open("stopped");
    await queue.send("ORDER_PLACED", { n: 1 });
    const child = new Child("settler", { servers: server.url, stream: "stopped", leaseMs: 1_500 });
    await child.line(({ kind }) => kind === "holding");
    process.kill(child.pid, "SIGSTOP");
    const [event] = await queue.group("mailer").receive({ waitMs: 30_000, leaseMs: 60_000 });
    expect(event).toMatchObject({ attempt: 2, redelivered: true });
    process.kill(child.pid, "SIGCONT");
    const { text } = await child.line(({ kind }) => kind === "acked");
    expect(text).toBe("false");
    expect(await queue.groups.list()).toMatchObject([{ pending: 1, inFlight: 1 }]);
    expect(await event?.ack()).toBe(true);
    expect(await queue.groups.list()).toMatchObject([{ pending: 0 }]);
  });

  it("a queue that was only used to send and to read doesn't keep its process alive", async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const child = new Child("sender", { servers: server.url, stream: "quiet", closes: false });
    await child.line(({ kind }) => kind === "received");
    expect(await child.end()).toBe(0);
  });

  it("a process that waits for its queue to close lives until then", async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const child = new Child("sender", { servers: server.url, stream: "closing", closes: true });
    await child.line(({ kind }) => kind === "closed");
    expect(await child.end()).toBe(0);
  });
});
