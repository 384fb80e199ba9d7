import { expect, it, onTestFinished } from "vitest";
import { openNatsQueue } from "../../src/index.ts";
import { HistoryChecker, sleep, until } from "../faults.ts";
import { NatsServer, Proxy, SERVER } from "test-servers";

it(
  "a partition that is healed: what was acknowledged is there, and everything is handled",
  { timeout: 180_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const proxy = await Proxy.to(server.port);
    onTestFinished(() => proxy.close());
    const stream = "orders";
    const near = await openNatsQueue({ servers: server.url, stream });
    const connection = { pingInterval: 500, ignoreClusterUpdates: true };
    const far = await openNatsQueue({ servers: proxy.url, stream, patienceMs: 20_000, connection });
    onTestFinished(async () => {
      await Promise.all([near.close(), far.close()]);
    });
    const history = new HistoryChecker();
    const policy = { leaseMs: 2_000, maxAttempts: 100, onError: () => {} };
    const consumers = [near, far].map((queue) =>
      queue.consume({ group: "mailer", concurrency: 2, ...policy }, (event) =>
        history.handled(event),
      ),
    );
    let goesOn = true;
    const publishing = history.publish(far, () => goesOn);
    await until("events are stored", () => history.acknowledged.size > 50);
    proxy.cut();
    await sleep(4_000);
    const during = history.acknowledged.size;
    const { id, position } = await near.send("ORDER_PLACED", { n: 0 });
    history.acknowledged.set(id, position);
    proxy.heal();
    await until("events are stored again", () => history.acknowledged.size > during + 50);
    goesOn = false;
    await publishing;
    await until("all are handled", () => history.hasHandledAll());
    await history.check(near);
    await until("the group has settled all", async () => {
      const [group] = await near.groups.list();
      return group?.pending === 0;
    });
    for (const consumer of consumers) await consumer.stop();
    expect((await far.health()).details["reconnects"]).toBeGreaterThan(0);
  },
);

it(
  "who reads while the connection is lost again and again reads everything, in order and once",
  { timeout: 60_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const proxy = await Proxy.to(server.port);
    onTestFinished(() => proxy.close());
    const options = { stream: "orders", patienceMs: 20_000 };
    const near = await openNatsQueue({ ...options, servers: server.url });
    const connection = { ignoreClusterUpdates: true };
    const far = await openNatsQueue({ ...options, servers: proxy.url, connection });
    onTestFinished(async () => {
      await Promise.all([near.close(), far.close()]);
    });
    const text = "x".repeat(1_000);
    for (let part = 0; part < 20; part += 1) {
      const events = Array.from({ length: 250 }, () => ({ type: "ORDER_PLACED", payload: text }));
      await near.sendMany(events);
    }
    const all = Array.from({ length: 5_000 }, (_, index) => index + 1);
    let cuts = 0;
    const losing = setInterval(() => {
      cuts += 1;
      proxy.heal();
    }, 120);
    onTestFinished(() => clearInterval(losing));
    const stream = far.stream({ from: "beginning" });
    const streamed: number[] = [];
    const following = (async () => {
      for await (const { position } of stream) if (streamed.push(position) === all.length) break;
    })();
    for (let round = 0; round < 3; round += 1) {
      const log = await far.history({ limit: 10_000 });
      expect(log.map(({ position }) => position)).toEqual(all);
    }
    await following;
    expect(streamed).toEqual(all);
    clearInterval(losing);
    expect(cuts).toBeGreaterThan(3);
    expect((await far.health()).details["reconnects"]).toBeGreaterThan(0);
  },
);
