import { expect, it, onTestFinished } from "vitest";
import { PermanentError } from "@ringrift/event-queue";
import { openNatsQueue } from "../../src/index.ts";
import { HistoryChecker, sleep, until } from "../faults.ts";
import { NatsServer, SERVER } from "test-servers";

const ROUNDS = 5;
const LETTERS = 60;

it(
  "kill -9 and restart of the server every two seconds under load: nothing acknowledged is lost",
  { timeout: 180_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const options = { servers: server.url, stream: "orders", patienceMs: 30_000 };
    const sender = await openNatsQueue(options);
    const receiver = await openNatsQueue(options);
    onTestFinished(async () => {
      await Promise.all([sender.close(), receiver.close()]);
    });
    const history = new HistoryChecker();
    const consumer = receiver.consume(
      { group: "mailer", concurrency: 4, leaseMs: 3_000, maxAttempts: 100, onError: () => {} },
      (event) => history.handled(event),
    );
    let goesOn = true;
    const publishing = history.publish(sender, () => goesOn);
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = history.acknowledged.size;
      await until("events are stored", () => history.acknowledged.size > before + 50);
      await sleep(2_000);
      await server.kill();
      await sleep(200);
      await server.run();
    }
    goesOn = false;
    await publishing;
    expect(history.acknowledged.size).toBeGreaterThan(ROUNDS * 50);
    await until("all are handled", () => history.hasHandledAll());
    await history.check(sender);
    await until("the group has settled all", async () => {
      const [group] = await receiver.groups.list();
      return group?.pending === 0;
    });
    expect(await receiver.deadLetters.list()).toEqual([]);
    await consumer.stop();
    const { details } = await sender.health();
    expect(details["reconnects"]).toBe(ROUNDS);
    console.log(
      `${history.acknowledged.size} acknowledged, 0 lost, ${history.failedSends} sends failed, ${history.repeated} deliveries repeated`,
    );
  },
);

it(
  "dead letters are discarded though the server is killed in the middle of it",
  { timeout: 60_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const queue = await openNatsQueue({ servers: server.url, stream: "orders" });
    onTestFinished(() => queue.close());
    const group = queue.group("mailer", { from: "beginning" });
    await queue.sendMany(
      Array.from({ length: LETTERS }, (_, n) => ({ type: "ORDER_PLACED", payload: { n } })),
    );
    for (const event of await group.receive({ limit: LETTERS })) {
      await event.nack({ reason: new PermanentError("It is poison.") });
    }
    const deadLetters = async (): Promise<number> => (await queue.stats()).deadLetters;
    expect(await deadLetters()).toBe(LETTERS);
    const letters = await queue.deadLetters.list({ limit: LETTERS });
    const discards = letters.map(({ id }) => queue.deadLetters.discard({ id }));
    await Promise.race(discards);
    await server.kill();
    await server.run();
    expect(await Promise.all(discards)).toEqual(letters.map(() => ({ count: 1 })));
    expect(await deadLetters()).toBe(0);
  },
);
