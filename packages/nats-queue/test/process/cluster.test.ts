import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { type NatsEventQueue, openNatsQueue } from "../../src/index.ts";
import { HistoryChecker, sleep, until } from "../faults.ts";
import { NatsServer, SERVER } from "test-servers";

/** What is promised is 5 s; machines that run tests are busy with other things too. */
const PROMISED_MS = 8_000;

/** Three servers that have a leader, and a queue with a copy on each. */
async function startCluster(): Promise<{ servers: NatsServer[]; queue: NatsEventQueue }> {
  const servers = await NatsServer.cluster(3);
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.dispose()));
  });
  return { servers, queue: await openCluster(servers) };
}

async function openCluster(servers: readonly NatsServer[]): Promise<NatsEventQueue> {
  const urls = servers.map(({ url }) => url);
  await until("the cluster has a leader", () => hasLeader(urls));
  const options = { servers: urls, stream: "orders", replicas: 3, patienceMs: 60_000 };
  const queue = await openNatsQueue(options);
  onTestFinished(() => queue.close());
  return queue;
}

it(
  "a cluster of three whose stream leader is killed in mid-load loses nothing acknowledged",
  { timeout: 360_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const { servers, queue } = await startCluster();
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
    // What a consumer had pulled goes with its leader, and comes again when its lease is over. It takes some seconds; a
    // loaded machine is given more.
    const began = performance.now();
    await until("all are handled", () => history.hasHandledAll(), 30_000);
    const seconds = (performance.now() - began) / 1_000;
    await history.check(queue);
    await consumer.stop();
    console.log(
      `${history.acknowledged.size} acknowledged, 0 lost, ${history.repeated} deliveries repeated, the last one handled ${seconds.toFixed(1)} s after the last send`,
    );
  },
);

it(
  "a cluster of three without a majority for a while: then everything is handled within seconds, in the order of its keys",
  { timeout: 240_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const { servers, queue } = await startCluster();
    const history = new HistoryChecker();
    const policy = { leaseMs: 4_000, maxAttempts: 100, onError: () => {} };
    const order = new Map<string, number[]>();
    const consumer = queue.consume({ group: "mailer", concurrency: 4, ...policy }, (event) => {
      history.handled(event);
      const positions = order.get(event.key ?? "") ?? [];
      if (!event.redelivered) order.set(event.key ?? "", [...positions, event.position]);
    });
    let goesOn = true;
    const senders = ["a", "b", "c"].map((key) =>
      history.publish(queue, () => goesOn, { key, atOnce: 1 }),
    );
    await until("events are handled", () => history.handledIds.size > 100);
    await Promise.all([servers[0]?.kill(), servers[1]?.kill()]);
    await sleep(8_000);
    const before = history.acknowledged.size;
    await Promise.all([servers[0]?.run(), servers[1]?.run()]);
    await until("events are stored again", () => history.acknowledged.size > before + 100);
    goesOn = false;
    await Promise.all(senders);
    const began = performance.now();
    await until("all are handled", () => history.hasHandledAll(), 30_000);
    const seconds = (performance.now() - began) / 1_000;
    await history.check(queue);
    for (const positions of order.values())
      expect(positions).toEqual(positions.toSorted(ascending));
    expect((await queue.health()).problems).toEqual([]);
    await consumer.stop();
    console.log(
      `${history.acknowledged.size} acknowledged, the last one handled ${seconds.toFixed(1)} s after the last send`,
    );
  },
);

it(
  "a queue that consumes closes within seconds in a cluster of three without a majority, and loses nothing of what it had",
  { timeout: 240_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const { servers, queue } = await startCluster();
    const history = new HistoryChecker();
    const policy = { leaseMs: 4_000, maxAttempts: 100, onError: () => {} };
    queue.consume({ group: "mailer", concurrency: 4, ...policy }, (event) =>
      history.handled(event),
    );
    let goesOn = true;
    const publishing = history.publish(queue, () => goesOn);
    await until("events are handled", () => history.handledIds.size > 100);
    await Promise.all([servers[0]?.kill(), servers[1]?.kill()]);
    await sleep(3_000);
    goesOn = false;
    const began = performance.now();
    await Promise.all([queue.close(), publishing]);
    expect(performance.now() - began).toBeLessThan(PROMISED_MS);
    await Promise.all([servers[0]?.run(), servers[1]?.run()]);
    const again = await openCluster(servers);
    const consumer = again.consume({ group: "mailer", concurrency: 4, ...policy }, (event) =>
      history.handled(event),
    );
    await until("all are handled", () => history.hasHandledAll(), 30_000);
    await history.check(again);
    await consumer.stop();
  },
);

function ascending(one: number, other: number): number {
  return one - other;
}

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
