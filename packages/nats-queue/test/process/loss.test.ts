import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { SERVER } from "test-servers";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import type { NatsEventQueue } from "../../src/index.ts";
import { losing, numbers, send, start } from "./losing.ts";

const LIMIT = { timeout: 60_000 };

beforeEach((context) => {
  if (SERVER !== true) context.skip(SERVER);
});

/** Handles so many events; the numbers in their order. */
async function handle(queue: NatsEventQueue, count: number): Promise<number[]> {
  const seen: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const consumer = queue.consume({ group: "mailer", concurrency: 4 }, ({ payload }) => {
    if (seen.push(payload.n) >= count) resolve();
  });
  await promise;
  await consumer.stop();
  return seen;
}

it.each([
  ["the end of its log", ["orders/msgs"]],
  ["the end of its log and where groups were", ["orders"]],
] as const)(
  "new events are handled after the server has lost %s, and the loss is told",
  LIMIT,
  async (_, parts) => {
    const { server, open } = await start();
    const first = await open();
    await send(first, 0, 10, "a");
    expect(await handle(first, 10)).toEqual(numbers(0, 10));
    await first.close();
    await losing(server, parts, async () => {
      const queue = await open();
      await send(queue, 10, 20, "a");
      expect(await handle(queue, 10)).toEqual(numbers(10, 20));
      await queue.stats();
      await queue.close();
    });
    const queue = await open();
    onTestFinished(() => queue.close());
    await send(queue, 20, 35, "a");
    await send(queue, 35, 40);
    const seen = await handle(queue, 20);
    expect(seen.filter((n) => n < 35)).toEqual(numbers(20, 35));
    expect(new Set(seen)).toEqual(new Set(numbers(20, 40)));
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, deadLetters: 0 });
    const { ok, problems } = await queue.health();
    expect(ok).toBe(false);
    expect(problems).toMatchObject([
      { code: "EVENTS_LOST", message: expect.stringContaining("the events at 11 to 20") },
    ]);
  },
);

it(
  "a process that goes on sees that the server came back with less, and a new group isn't left behind",
  LIMIT,
  async () => {
    const { server, open } = await start();
    const queue = await open();
    onTestFinished(() => queue.close());
    await send(queue, 0, 5);
    await losing(server, ["orders/msgs"], async () => {
      await send(queue, 5, 10);
      await queue.group("mailer", { from: "now" }).ensure();
    });
    await send(queue, 10, 13);
    expect(await handle(queue, 3)).toEqual([10, 11, 12]);
    await expect
      .poll(async () => (await queue.health()).problems.map(({ code }) => code), {
        timeout: 20_000,
      })
      .toContain("EVENTS_LOST");
  },
);

it("groups begin anew in a stream that was deleted and made again", LIMIT, async () => {
  const { server, open } = await start();
  const before = await open();
  await send(before, 0, 10, "a");
  expect(await handle(before, 10)).toEqual(numbers(0, 10));
  await before.close();
  const connection = await connect({ servers: server.url });
  await (await jetstreamManager(connection)).streams.delete("orders");
  await connection.close();
  const queue = await open();
  onTestFinished(() => queue.close());
  await send(queue, 10, 20, "a");
  expect(await handle(queue, 10)).toEqual(numbers(10, 20));
  expect((await queue.health()).problems).toMatchObject([
    { code: "EVENTS_LOST", message: expect.stringContaining("is another one than before") },
  ]);
});
