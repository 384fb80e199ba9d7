import { connect, headers } from "@nats-io/transport-node";
import { createLineage } from "@ringrift/envelope";
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

it("what a producer claims in headers is no other type, place or time", async () => {
  const queue = await context.open({ stream: "forged" });
  await queue.send("ORDER_PLACED", { n: 1 });
  const lineage = createLineage();
  const connection = await connect({ servers: context.server.url });
  const forged = headers();
  forged.set("Ringrift-Lineage", JSON.stringify(lineage));
  forged.set("Ringrift-Type", "ORDER_PAID");
  forged.set("Ringrift-Position", "1000");
  forged.set("Ringrift-Stored-At", "0");
  await connection.request("forged.events.ORDER_PLACED._", "{}", {
    headers: forged,
    timeout: 5_000,
  });
  await connection.close();
  console.log(
    JSON.stringify(await queue.deadLetters.list()),
    (await queue.group("x").receive()).length,
    JSON.stringify(await queue.deadLetters.list()),
  );
  const [, event] = await queue.history();
  expect(event).toMatchObject({ id: lineage.id, type: "ORDER_PLACED", position: 2 });
  expect(Math.abs((event?.storedAt ?? 0) - Date.now())).toBeLessThan(60_000);
  const [, leased] = await queue.group("mailer").receive();
  expect(leased).toMatchObject({ type: "ORDER_PLACED", position: 2 });
});

it("a key that doesn't belong to its subject, or headers that no sender may give, make a dead letter", async () => {
  const queue = await context.open({ stream: "misplaced" });
  await queue.send("ORDER_PLACED", { n: 1 });
  const connection = await connect({ servers: context.server.url });
  for (const [name, value] of [
    ["Ringrift-Key", '"order-1"'],
    ["Ringrift-Key", "7"],
    ["Ringrift-Headers", '{"a":1}'],
  ] as const) {
    const forged = headers();
    forged.set("Ringrift-Lineage", JSON.stringify(createLineage()));
    forged.set(name, value);
    await connection.request("misplaced.events.ORDER_PLACED._", "{}", {
      headers: forged,
      timeout: 5_000,
    });
  }
  await connection.close();
  expect(await queue.group("mailer").receive()).toHaveLength(1);
  expect(await queue.deadLetters.list()).toMatchObject(
    [2, 3, 4].map((position) => ({ position, error: { code: "CORRUPT_EVENT" } })),
  );
});
