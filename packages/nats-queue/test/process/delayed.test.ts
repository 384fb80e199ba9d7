import { expect, it, onTestFinished } from "vitest";
import { NatsServer, SERVER } from "test-servers";
import { openNatsQueue } from "../../src/index.ts";
import { sleep, until } from "../faults.ts";
import { Child } from "./child.ts";

const BURST = 250;

it(
  "what is delayed comes in once, though its sender, who takes it in, and the server are killed",
  { timeout: 90_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    // Shorter than it takes anybody to go on: the server's own memory of ids is of no help.
    const options = { servers: server.url, stream: "orders", dedupeWindowMs: 100 };
    const bursts = [1_500, 4_000, 6_500].map((delayMs) => ({ size: BURST, delayMs }));
    const sender = new Child("delayer", { ...options, bursts });
    const sent = await sender.count("delayed", BURST * bursts.length);
    await sender.kill();

    for (const _ of bursts.slice(1)) {
      const watcher = new Child("watcher", options);
      // In the middle of a burst: some are in the log and still wait.
      await watcher.line(({ kind }) => kind === "saw");
      await watcher.kill();
    }
    await server.kill();
    await server.run();
    const queue = await openNatsQueue(options);
    onTestFinished(() => queue.close());
    await until("nothing waits", async () => (await queue.stats()).delayed === 0);

    const log = await queue.history({ limit: 10_000 });
    const ids = log.map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set(sent.map(({ id }) => id)));
    expect(ids).toHaveLength(sent.length);
    const dueAt = new Map(sent.map(({ id, position }) => [id, position ?? 0]));
    for (const { id, storedAt } of log) expect(storedAt).toBeGreaterThanOrEqual(dueAt.get(id) ?? 0);
  },
);

it(
  "what fell due while no process had the queue open comes in with the next one, in order",
  { timeout: 30_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const options = { servers: server.url, stream: "orders", dedupeWindowMs: 100 };
    const bursts = [400, 100, 200].map((delayMs) => ({ size: 1, delayMs }));
    const sender = new Child("delayer", { ...options, bursts });
    const sent = await sender.count("delayed", 3);
    await sender.kill();
    await sleep(1_000);
    const queue = await openNatsQueue(options);
    onTestFinished(() => queue.close());
    await until("all are there", async () => (await queue.stats()).events === 3);
    const order = sent.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
    expect((await queue.history()).map(({ id }) => id)).toEqual(order.map(({ id }) => id));
  },
);
