import { QueueError } from "@ringrift/event-queue";
import { expect, it, onTestFinished } from "vitest";
import { NatsServer, SERVER } from "test-servers";
import { type NatsQueueOptions, openNatsQueue } from "../../src/index.ts";
import { sleep, until } from "../faults.ts";

const EVENTS = 600;
const KEYS = 7;

/** What handlers finished, by key, in the order in which they did. */
class Finished {
  readonly byKey = new Map<string, number[]>();
  readonly #all = new Set<number>();

  add(key: string, n: number): void {
    const numbers = this.byKey.get(key) ?? [];
    this.byKey.set(key, numbers);
    // A repetition is an event that is out of order only if it is the first time.
    if (!this.#all.has(n)) numbers.push(n);
    this.#all.add(n);
  }

  get count(): number {
    return this.#all.size;
  }
}

/** Members that come and go, each leaving its handlers in the middle, until everything is done. */
async function comeAndGo(options: NatsQueueOptions, finished: Finished): Promise<void> {
  for (let turn = 0; finished.count < EVENTS; turn += 1) {
    const queue = await openNatsQueue(options).catch((error: unknown) => {
      // The server is on its way back.
      if (error instanceof QueueError && error.code === "SERVER_UNREACHABLE") return undefined;
      throw error;
    });
    if (queue === undefined) continue;
    const policy = { leaseMs: 400, maxAttempts: 1_000, backoff: { initialMs: 1, maxMs: 20 } };
    const member = { concurrency: 1 + (turn % 4), prefetch: turn % 3, onError: () => {} };
    const consumer = queue.consume({ group: "mailer", ...policy, ...member }, async (event) => {
      await sleep(Math.random() * 5);
      if (Math.random() < 0.05) throw new Error("once in a while");
      finished.add(String(event.key), event.payload.n);
    });
    await sleep(300 + 100 * (turn % 5));
    await consumer.stop({ timeoutMs: 0 });
    await queue.close();
  }
}

it(
  "events of a key are handled in order while members come and go, fail, and the server is killed",
  { timeout: 120_000 },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const options = { servers: server.url, stream: "orders", patienceMs: 30_000 };
    const sender = await openNatsQueue(options);
    onTestFinished(() => sender.close());
    const finished = new Finished();
    const members = [1, 2, 3].map(() => comeAndGo(options, finished));
    for (let n = 0; n < EVENTS; n += 1) {
      const type = n % 2 === 0 ? "ORDER_PLACED" : "ORDER_PAID";
      await sender.send(type, { n }, { key: `order-${n % KEYS}` });
    }
    await until("some are handled", () => finished.count > EVENTS / 10);
    await server.kill();
    await server.run();
    await Promise.all(members);
    for (const numbers of finished.byKey.values()) {
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
    expect(finished.count).toBe(EVENTS);
    expect(await sender.deadLetters.list()).toEqual([]);
  },
);
