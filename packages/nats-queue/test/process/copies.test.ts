import { expect, it, onTestFinished } from "vitest";
import { NatsServer, SERVER } from "test-servers";
import { openNatsQueue } from "../../src/index.ts";

it(
  "with three copies, what was sent at once is known to delayed sends and to batches",
  { timeout: 90_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const servers = await NatsServer.cluster(3);
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.dispose()));
    });
    const urls = servers.map(({ url }) => url);
    const queue = await openNatsQueue({ servers: urls, stream: "orders", replicas: 3 });
    onTestFinished(() => queue.close());
    const type = "ORDER_PLACED";
    const first = await queue.send(type, { n: 1 }, { dedupeKey: "k" });
    const delayed = { dedupeKey: "k", delayMs: 60_000 };
    expect(await queue.send(type, { n: 2 }, delayed)).toMatchObject({
      id: first.id,
      position: 1,
      duplicate: true,
    });
    // One that is new: the question leaves nothing behind.
    expect(await queue.send(type, { n: 3 }, { dedupeKey: "j", delayMs: 50 })).toMatchObject({
      position: 0,
    });
    await expect.poll(() => queue.stats(), { timeout: 20_000 }).toMatchObject({ events: 2 });
    const sent = await queue.sendMany(
      ["i", "k", "h"].map((dedupeKey) => ({ type, payload: {}, dedupeKey })),
    );
    expect(sent.map(({ position }) => position)).toEqual([3, 1, 4]);
    expect(await queue.stats()).toMatchObject({ events: 4, delayed: 0 });
  },
);
