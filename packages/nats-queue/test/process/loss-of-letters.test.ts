import { PermanentError } from "@ringrift/event-queue";
import { SERVER } from "test-servers";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import type { NatsEventQueue } from "../../src/index.ts";
import { until } from "../faults.ts";
import { losing, send, start } from "./losing.ts";

const LIMIT = { timeout: 60_000 };
const GROUP = { group: "mailer", from: "beginning" } as const;

beforeEach((context) => {
  if (SERVER !== true) context.skip(SERVER);
});

/** Handles until the test is over: the first attempt of each event but number 0 fails for good. */
function failing(queue: NatsEventQueue): number[] {
  const seen: number[] = [];
  const consumer = queue.consume({ ...GROUP }, ({ payload: { n }, redelivered }) => {
    if (n > 0 && !redelivered) throw new PermanentError("It is poison.");
    seen.push(n);
  });
  onTestFinished(async () => void (await consumer.stop()));
  return seen;
}

async function deadOf(queue: NatsEventQueue): Promise<number[]> {
  return (await queue.deadLetters.list()).map(({ payload }) => (payload as { n: number }).n);
}

it(
  "a dead letter of an event that the server has lost and one of the event in its place are both there, and redriven",
  LIMIT,
  async () => {
    const { server, open } = await start();
    const queue = await open();
    onTestFinished(() => queue.close());
    const seen = failing(queue);
    await send(queue, 0, 1);
    await until("there is a log", () => seen.length === 1);
    await losing(server, ["orders/msgs"], async () => {
      await send(queue, 1, 2, "a");
      await until("the first one is dead", async () => (await deadOf(queue)).length === 1);
    });
    await send(queue, 2, 3, "b");
    await until("the second one is dead", async () => (await deadOf(queue)).length === 2);
    const letters = await queue.deadLetters.list();
    expect(letters.map(({ position }) => position)).toEqual([2, 2]);
    expect(await deadOf(queue)).toEqual([1, 2]);
    await queue.deadLetters.redrive({});
    await until("both are handled", () => seen.length === 3);
    expect(seen.toSorted((one, other) => one - other)).toEqual([0, 1, 2]);
  },
);

it("what was redriven is handled though the server has lost the note of it", LIMIT, async () => {
  const { server, open } = await start();
  const queue = await open();
  onTestFinished(() => queue.close());
  const consumer = queue.consume({ ...GROUP }, () => {
    throw new PermanentError("It is poison.");
  });
  await send(queue, 1, 2, "a");
  await until("it is dead", async () => (await deadOf(queue)).length === 1);
  await consumer.stop();
  await losing(server, ["orders-state"], async () => {
    expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
  });
  const seen = failing(queue);
  await until("it is handled", () => seen.length === 1, 20_000);
});

it(
  "a key goes on though the server has lost the note that its redriven event is settled",
  LIMIT,
  async () => {
    const { server, open } = await start();
    const queue = await open();
    onTestFinished(() => queue.close());
    const consumer = queue.consume({ ...GROUP }, () => {
      throw new PermanentError("It is poison.");
    });
    await send(queue, 1, 2, "a");
    await until("it is dead", async () => (await deadOf(queue)).length === 1);
    await consumer.stop();
    await queue.deadLetters.redrive({});
    const [redriven] = await queue.group("mailer").receive({ waitMs: 10_000, leaseMs: 60_000 });
    expect(redriven).toMatchObject({ redelivered: true });
    await losing(server, ["orders-state"], async () => {
      expect(await redriven?.ack()).toBe(true);
    });
    await send(queue, 2, 3, "a");
    const [next] = await queue.group("mailer").receive({ waitMs: 20_000 });
    expect(next?.payload).toEqual({ n: 2 });
    expect(await next?.ack()).toBe(true);
  },
);
