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
