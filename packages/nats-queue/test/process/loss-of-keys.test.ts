import { jetstream, jetstreamManager, type JsMsg } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Consumer } from "@ringrift/event-queue";
import { type NatsServer, SERVER } from "test-servers";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import type { NatsEventQueue } from "../../src/index.ts";
import { until } from "../faults.ts";
import { losing, numbers, send, start } from "./losing.ts";

const LIMIT = { timeout: 60_000 };
const LEASE_MS = 2_000;

beforeEach((context) => {
  if (SERVER !== true) context.skip(SERVER);
});

/** None waits. */
const QUICK = { n: -1, begun: () => {}, end: Promise.resolve() };

/** Handles until `seen` has so many; the handler of `slow` waits until it may go on. */
function handle(
  queue: NatsEventQueue,
  seen: number[],
  slow: { readonly n: number; readonly begun: () => void; readonly end: Promise<void> } = QUICK,
): Consumer {
  const policy = { group: "mailer", from: "beginning", leaseMs: LEASE_MS } as const;
  return queue.consume({ ...policy, concurrency: 4 }, async ({ payload: { n } }) => {
    if (n === slow.n && !seen.includes(n)) {
      slow.begun();
      await slow.end;
    }
    seen.push(n);
  });
}

/** Has a member that is none of ours take so many of the group's events, and hold them. */
async function takeAway({ url }: NatsServer, count: number): Promise<JsMsg[]> {
  const connection = await connect({ servers: url });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  const names = (await manager.consumers.list("orders").next()).map(({ name }) => name);
  const consumer = await jetstream(connection).consumers.get("orders", names[0]);
  const taken: JsMsg[] = [];
  for await (const message of await consumer.fetch({ max_messages: count })) taken.push(message);
  return taken;
}

/** How many of the group's events somebody has. */
async function heldCount({ url }: NatsServer): Promise<number> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const infos = await manager.consumers.list("orders").next();
  await connection.close();
  return infos.reduce((sum, { num_ack_pending }) => sum + num_ack_pending, 0);
}

function firsts(seen: readonly number[]): number[] {
  return [...new Set(seen)];
}

it(
  "events behind a lost end of the log are handled in their order, whichever of them comes first",
  LIMIT,
  async () => {
    const { server, open } = await start();
    const first = await open();
    await send(first, 0, 5, "a");
    const before: number[] = [];
    const consumer = handle(first, before);
    await until("the first are handled", () => before.length === 5);
    await losing(server, ["orders/msgs"], async () => {
      await send(first, 5, 8, "a");
      await until("those that are lost are handled", () => before.length === 8);
    });
    await consumer.stop();
    await first.close();
    const queue = await open();
    onTestFinished(() => queue.close());
    await send(queue, 10, 15, "a");
    // The first three have positions up to which the key counts as settled.
    const taken = await takeAway(server, 3);
    expect(taken.map(({ seq }) => seq)).toEqual([6, 7, 8]);
    const seen: number[] = [];
    const goesOn = handle(queue, seen);
    await until("those that come first wait behind them", async () => {
      return (await heldCount(server)) === taken.length;
    });
    for (const message of taken) message.nak();
    await until("all are handled", () => firsts(seen).length === 5, 20_000);
    expect(firsts(seen)).toEqual(numbers(10, 15));
    await until("nothing is left", async () => (await queue.groups.list())[0]?.pending === 0);
    await goesOn.stop();
  },
);

it(
  "whoever has an event that the server has lost can't settle the one in its place",
  LIMIT,
  async () => {
    const { server, open } = await start();
    const holder = await open();
    onTestFinished(() => holder.close());
    await send(holder, 0, 5, "a");
    const before: number[] = [];
    const consumer = handle(holder, before);
    await until("the first are handled", () => before.length === 5);
    await consumer.stop();
    const lost: { ack(): Promise<boolean> }[] = [];
    await losing(server, ["orders/msgs"], async () => {
      await send(holder, 5, 6, "a");
      const group = holder.group("mailer", { leaseMs: 10_000 });
      lost.push(...(await group.receive({ waitMs: 5_000 })));
    });
    const queue = await open();
    onTestFinished(() => queue.close());
    await send(queue, 10, 15, "a");
    const seen: number[] = [];
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const goesOn = handle(queue, seen, { n: 10, begun: begun.resolve, end: end.promise });
    await begun.promise;
    await until(
      "what waits behind it waits in the log",
      async () => (await heldCount(server)) === 1,
    );
    expect(await Promise.all(lost.map((event) => event.ack()))).toEqual([false]);
    const other = handle(holder, seen);
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 4));
    end.resolve();
    await until("all are handled", () => firsts(seen).length === 5, 20_000);
    expect(firsts(seen)).toEqual(numbers(10, 15));
    await Promise.all([goesOn.stop(), other.stop()]);
  },
);
