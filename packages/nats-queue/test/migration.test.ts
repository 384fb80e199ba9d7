import { MemoryEventQueue, migrateQueue } from "@ringrift/event-queue";
import { MIGRATION, outgoingCopy } from "@ringrift/event-queue/backend";
import { expect, it } from "vitest";
import { sleep } from "./faults.ts";
import { withServer } from "./with-server.ts";

const context = withServer();

it("of a key that stands still with many behind it, the oldest unsettled event is found", async () => {
  const queue = await context.open();
  const sent = await queue.sendMany(
    Array.from({ length: 400 }, (_, n) => ({
      type: "A",
      payload: { n },
      key: n % 2 === 0 ? "slow" : `quick-${n % 7}`,
    })),
  );
  const group = queue.group("g");
  let settled = 0;
  const stuck = Promise.withResolvers<void>();
  const consumer = group.consume({ concurrency: 8 }, async (event) => {
    // The fifth event of the slow key is never done.
    if (event.key === "slow" && event.payload.n === 8) await stuck.promise;
    else settled += 1;
  });
  for (let last = -1; settled < 204 || last !== settled; await sleep(100)) last = settled;
  const [info] = await queue.groups.list();
  expect(info?.pending).toBe(196);
  expect(await queue[MIGRATION]().oldestUnsettled("g")).toBe(sent[8]?.position);
  const next = new MemoryEventQueue();
  await migrateQueue(queue, next, { hold: () => {} });
  const [first] = await next.group("g").receive({ limit: 1 });
  expect(first?.id).toBe(sent[8]?.id);
  stuck.resolve();
  await consumer.stop();
});

it("an event of this process that comes back by a move is stored once, also after the server's window", async () => {
  const settings = { stream: "back", dedupeWindowMs: 200 };
  const [one, other] = [await context.open(settings), await context.open(settings)];
  const memory = new MemoryEventQueue();
  await memory.send("A", { n: 1 });
  await migrateQueue(memory, one, { hold: () => {} });
  await sleep(400);
  const copies = (await memory.history()).map((event) => outgoingCopy(event));
  expect(await other[MIGRATION]().sendMany(copies)).toMatchObject([{ duplicate: true }]);
  expect(await one.history()).toHaveLength(1);
});
