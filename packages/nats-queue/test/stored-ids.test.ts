import { createLineage, pickLineage, type EventLineage } from "@ringrift/envelope";
import { expect, it } from "vitest";
import { sleep, until } from "./faults.ts";
import { Child } from "./process/child.ts";
import { withServer } from "./with-server.ts";

const context = withServer();

/** An event that another process has made. */
function foreign(): EventLineage {
  return { ...createLineage(), origin: "another-node" };
}

it("an event of another process is stored once, also when the server has forgotten its message id", async () => {
  const settings = { stream: "ids", dedupeWindowMs: 200 };
  const [one, other] = [await context.open(settings), await context.open(settings)];
  const lineage = foreign();
  const first = await one.send("ORDER_PLACED", { n: 1, m: 2 }, { lineage });
  await sleep(400);
  const again = await other.send("ORDER_PLACED", { m: 2, n: 1 }, { lineage });
  expect(again).toMatchObject({ id: first.id, position: first.position, duplicate: true });
  await expect(other.send("ORDER_PAID", { n: 1, m: 2 }, { lineage })).rejects.toMatchObject({
    code: "ID_TAKEN",
  });
  await expect(other.send("ORDER_PLACED", { n: 2 }, { lineage })).rejects.toMatchObject({
    code: "ID_TAKEN",
  });
  expect(await one.history()).toHaveLength(1);
});

it("an event is stored once, whatever its dedupe keys", async () => {
  const queue = await context.open({ stream: "keys" });
  const lineage = foreign();
  const first = await queue.send("ORDER_PLACED", {}, { lineage, dedupeKey: "a" });
  const again = await queue.send("ORDER_PLACED", {}, { lineage, dedupeKey: "b" });
  expect(again).toMatchObject({ id: first.id, duplicate: true });
  expect(await queue.history()).toHaveLength(1);
});

it("a handler's child is one, also at an attempt after the server's window", async () => {
  const queue = await context.open({ stream: "children", dedupeWindowMs: 200 });
  await queue.send("ORDER_PLACED", {});
  const options = {
    group: "mailer",
    eventTypes: ["ORDER_PLACED"],
    backoff: { initialMs: 500, jitter: 0 },
  };
  const consumer = queue.consume(options, async ({ attempt }) => {
    await queue.send("MAIL_SENT", {});
    if (attempt === 1) throw new Error("after its send");
  });
  await until("it is handled", async () => consumer.stats().handled === 1);
  expect(await queue.history({ eventTypes: ["MAIL_SENT"] })).toHaveLength(1);
});

it("an event with a dedupe key is known by its id to other processes, also after the server's window", async () => {
  const settings = { stream: "keyed-ids", dedupeWindowMs: 200 };
  const queue = await context.open(settings);
  await queue.stats();
  const { url: servers } = context.server;
  const sender = new Child("sender", { servers, ...settings, closes: true, dedupeKey: "a" });
  await sender.count("closed", 1);
  await sleep(400);
  const [sent] = await queue.history();
  if (sent === undefined) throw new Error("Nothing was sent.");
  for (const dedupeKey of [undefined, "b"]) {
    const options = { lineage: pickLineage(sent), dedupeKey };
    expect(await queue.send("ORDER_PLACED", { n: 1 }, options)).toEqual({
      ...sent,
      duplicate: true,
    });
  }
  expect(await queue.history()).toHaveLength(1);
});

it("an id that this process has made is known to its other instances after the server's window", async () => {
  const settings = { stream: "own-ids", dedupeWindowMs: 200 };
  const [one, other] = [await context.open(settings), await context.open(settings)];
  const sent = await one.send("ORDER_PLACED", { n: 1 });
  await sleep(400);
  const again = await other.send("ORDER_PLACED", { n: 1 }, { lineage: pickLineage(sent) });
  expect(again).toMatchObject({ id: sent.id, position: sent.position, duplicate: true });
  expect(await one.history()).toHaveLength(1);
});
