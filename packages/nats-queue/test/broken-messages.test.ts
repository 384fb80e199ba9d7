import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { withServer } from "./with-server.ts";

const context = withServer();

async function publish(subject: string, text: string): Promise<void> {
  const connection = await connect({ servers: context.server.url });
  await connection.request(subject, text);
  await connection.close();
}

it("what something else wrote is a dead letter of each group at once, and readers skip and count it", async () => {
  const queue = await context.open({ stream: "broken" });
  await queue.send("ORDER_PLACED", { n: 1 });
  await publish("broken.events.ORDER_PLACED._", "not an event");
  await queue.send("ORDER_PLACED", { n: 2 });
  expect((await queue.history()).map(({ payload }) => payload.n)).toEqual([1, 2]);
  expect((await queue.stats()).dropped).toEqual({ corrupt: 1 });
  const events = await queue.group("mailer").receive();
  expect(events.map(({ payload }) => payload.n)).toEqual([1, 2]);
  expect(await queue.deadLetters.list()).toMatchObject([
    {
      type: "ORDER_PLACED",
      payload: "not an event",
      position: 2,
      error: { code: "CORRUPT_EVENT" },
    },
  ]);
  const { problems } = await queue.health();
  expect(problems.map(({ message }) => message).join()).toContain("positions 2");
});

it("a broken message doesn't hold up its key", async () => {
  const queue = await context.open({ stream: "keyed" });
  const first = await queue.send("ORDER_PLACED", { n: 1 }, { key: "a" });
  const subjects: string[] = [];
  const connection = await connect({ servers: context.server.url });
  const subscription = connection.subscribe("keyed.events.>", {
    callback: (_, { subject }) => {
      subjects.push(subject);
    },
  });
  await connection.flush();
  await queue.send("ORDER_PLACED", { n: 2 }, { key: "a" });
  await expect.poll(() => subjects.length).toBe(1);
  subscription.unsubscribe();
  await connection.close();
  await publish(String(subjects[0]), "{");
  await queue.send("ORDER_PLACED", { n: 3 }, { key: "a" });
  const seen: number[] = [];
  const consumer = queue.consume({ group: "mailer" }, ({ payload }) => seen.push(payload.n));
  await expect.poll(() => seen, { timeout: 15_000 }).toEqual([1, 2, 3]);
  await consumer.stop();
  expect(await queue.deadLetters.list()).toMatchObject([{ payload: "{" }]);
  expect(first.position).toBe(1);
});
