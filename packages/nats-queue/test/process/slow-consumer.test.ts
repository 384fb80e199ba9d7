import { expect, it, onTestFinished } from "vitest";
import { freePort, NatsServer, SERVER } from "test-servers";
import { openNatsQueue } from "../../src/index.ts";
import { HistoryChecker, sleep, until } from "../faults.ts";
import { Child } from "./child.ts";

/** So large that what a stopped process isn't sent fills every buffer on the way within a second. */
const LARGE = { headers: { note: "x".repeat(14_000) } };

it(
  "a process that reads so slowly that the server cuts it off goes on where it was, and misses nothing",
  { timeout: 120_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const port = await freePort();
    const server = await NatsServer.start(
      `http: "127.0.0.1:${port}"\nmax_pending: 8MB\nwrite_deadline: "1s"`,
    );
    onTestFinished(() => server.dispose());
    const slowConsumers = async (): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${port}/varz`);
      return ((await response.json()) as { slow_consumers: number }).slow_consumers;
    };
    const options = { servers: server.url, stream: "orders" };
    const sender = await openNatsQueue({ ...options, patienceMs: 30_000 });
    onTestFinished(() => sender.close());
    const reader = new Child("reader", { ...options, leaseMs: 2_000 });
    await reader.line(({ kind }) => kind === "open");
    const history = new HistoryChecker();
    let goesOn = true;
    const publishing = history.publish(sender, () => goesOn, { atOnce: 8, ...LARGE });
    await reader.count("handled", 100);
    process.kill(reader.pid, "SIGSTOP");
    await until("the server has cut it off", async () => (await slowConsumers()) > 0);
    process.kill(reader.pid, "SIGCONT");
    const before = history.acknowledged.size;
    await until("more is sent", () => history.acknowledged.size > before + 100);
    goesOn = false;
    await publishing;

    const lines = (kind: string) => reader.lines.filter((line) => line.kind === kind);
    await until("all are handled", () => {
      const handled = new Set(lines("handled").map(({ id }) => id));
      return [...history.acknowledged.keys()].every((id) => handled.has(id));
    });
    for (const { id = "", attempt = 0 } of lines("handled")) history.handled({ id, attempt });
    await history.check(sender);
    await until("all are seen", () => lines("saw").length >= history.acknowledged.size);
    const log = await sender.history({ limit: 100_000 });
    expect(lines("saw").map(({ position }) => position)).toEqual(
      log.map(({ position }) => position),
    );
    expect(await sender.deadLetters.list()).toEqual([]);
    console.log(
      `${log.length} events, cut off ${await slowConsumers()} times, ${history.repeated} deliveries repeated`,
    );
  },
);

it(
  "a group that can't follow holds its senders back, and handles everything once",
  { timeout: 60_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const maxBacklog = 100;
    const options = { servers: server.url, stream: "orders" };
    const sender = await openNatsQueue({ ...options, maxBacklog, backlogWaitMs: 60_000 });
    const receiver = await openNatsQueue(options);
    onTestFinished(async () => {
      await Promise.all([sender.close(), receiver.close()]);
    });
    const history = new HistoryChecker();
    // What waits for the handlers has to be renewed many times.
    const policy = { leaseMs: 300, maxAttempts: 3, concurrency: 4, prefetch: 20 };
    const consumer = receiver.consume({ group: "mailer", ...policy }, async (event) => {
      await sleep(25);
      history.handled(event);
    });
    await receiver.group("mailer").ensure();
    let goesOn = true;
    let mostPending = 0;
    const publishing = history.publish(sender, () => goesOn, { atOnce: 16 });
    const end = performance.now() + 5_000;
    while (performance.now() < end) {
      const [group] = await receiver.groups.list();
      mostPending = Math.max(mostPending, group?.pending ?? 0);
      await sleep(50);
    }
    goesOn = false;
    await publishing;
    await until("all are handled", () => history.hasHandledAll());
    await consumer.stop();
    await history.check(receiver);
    expect(history.repeated).toBe(0);
    expect(history.failedSends).toBe(0);
    // Held back, but not before there was reason to; how many are let through between two looks is the gate's business.
    expect(mostPending).toBeGreaterThan(maxBacklog / 2);
    expect(mostPending).toBeLessThan(10 * maxBacklog);
    console.log(`${history.acknowledged.size} events, at most ${mostPending} waited`);
  },
);
