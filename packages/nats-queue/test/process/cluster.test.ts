import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { openNatsQueue } from "../../src/index.ts";
import { HistoryChecker, until } from "../faults.ts";
import { NatsServer, SERVER } from "test-servers";

it(
  "a cluster of three whose stream leader is killed in mid-load loses nothing acknowledged",
  { timeout: 360_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const servers = await NatsServer.cluster(3);
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.dispose()));
    });
    const urls = servers.map(({ url }) => url);
    await until("the cluster has a leader", () => hasLeader(urls));
    const options = { servers: urls, stream: "orders", replicas: 3, patienceMs: 60_000 };
    const queue = await openNatsQueue(options);
    onTestFinished(() => queue.close());
    const history = new HistoryChecker();
    const policy = { leaseMs: 5_000, maxAttempts: 100, onError: () => {} };
    const consumer = queue.consume({ group: "mailer", concurrency: 2, ...policy }, (event) =>
      history.handled(event),
    );
    let goesOn = true;
    const publishing = history.publish(queue, () => goesOn);
    for (let round = 0; round < 2; round += 1) {
      const before = history.acknowledged.size;
      await until("events are stored", () => history.acknowledged.size > before + 100);
      const { details } = await queue.health();
      const leader = servers[Number(String(details["leader"]).replace("node-", "")) - 1];
      expect(leader).toBeDefined();
      await leader?.kill();
      const after = history.acknowledged.size;
      await until("another leads", () => history.acknowledged.size > after + 100);
      await leader?.run();
      await until("all copies are there", async () => (await queue.health()).ok);
    }
    goesOn = false;
    await publishing;
    // Half of what a consumer has pulled is lost with its leader, and comes again when its lease is over; of that half is
    // lost again, and so on: it takes 40 s and more on 2.15.
    await until("all are handled", () => history.hasHandledAll(), 180_000);
    await history.check(queue);
    await consumer.stop();
    console.log(
      `${history.acknowledged.size} acknowledged, 0 lost, ${history.repeated} deliveries repeated`,
    );
  },
);

async function hasLeader(servers: string[]): Promise<boolean> {
  const connection = await connect({ servers });
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "probe", subjects: ["probe"], num_replicas: 3 });
    await manager.streams.delete("probe");
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}
