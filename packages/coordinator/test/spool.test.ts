import { setTimeout as sleep } from "node:timers/promises";
import { QueueError } from "@ringrift/event-queue";
import { BackedQueue } from "@ringrift/event-queue/backend";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { makeNode, openLog, startNode } from "./nodes.ts";

const busy = new QueueError("QUEUE_BUSY", "Another process holds the lock.");

describe("the spool", () => {
  it("keeps the order of publishes, whatever order refusals come back in", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(8), { minLength: 2, maxLength: 12 }),
        fc.nat(3),
        async (pauses, outages) => {
          const queue = openLog();
          const node = await startNode({ queue, onError: () => undefined });
          const store = queue.send.bind(queue);
          let refusals = pauses.length + outages;
          const send = vi.spyOn(queue, "send").mockImplementation(async (...args) => {
            if (refusals === 0) return store(...args);
            refusals -= 1;
            await sleep(pauses[refusals % pauses.length]);
            throw busy;
          });
          const publishes = pauses.map((_, n) =>
            node.bus.publish("order.placed", { id: `${n}`, cents: n }),
          );
          await Promise.all(publishes);
          await node.flush();
          send.mockRestore();
          const order = (await queue.history()).map(({ payload }) => payload.cents);
          expect(order).toEqual(pauses.map((_, n) => n));
          await node.close();
        },
      ),
      { numRuns: 10 },
    );
    vi.restoreAllMocks();
  });

  it("lets nothing overtake what is tried again and refused again", async () => {
    const queue = openLog();
    const node = await startNode({ queue, onError: () => undefined });
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const publish = (cents: number) => node.bus.publish("order.placed", { id: "A", cents });
    const store = queue.send.bind(queue);
    let tries = 0;
    const second = Promise.withResolvers<void>();
    const send = vi.spyOn(queue, "send").mockImplementation(async (...args) => {
      tries += 1;
      if (tries > 2) return store(...args);
      if (tries === 2) await second.promise;
      throw busy;
    });
    await publish(0);
    await vi.waitFor(() => expect(tries).toBe(2));
    const later = publish(1);
    second.resolve();
    await Promise.all([later, node.flush()]);
    send.mockRestore();
    vi.restoreAllMocks();
    const order = (await queue.history()).map(({ payload }) => payload.cents);
    expect(order).toEqual([0, 1]);
  });

  it("lets nothing overtake what is refused in the middle of what waits", async () => {
    const queue = openLog();
    const node = makeNode({ queue, bridges: { queueToTopic: false } });
    for (let n = 0; n < 6; n += 1) node.bus.publishSync("order.placed", { id: "A", cents: n });
    let calls = 0;
    let isFlaky = true;
    BackedQueue.instanceOf(queue)?.intercept({
      call: async (run) => {
        calls += 1;
        if (isFlaky && calls % 2 === 0) throw busy;
        return run();
      },
      ring: (deliver) => deliver(),
    });
    await node.start();
    await node.flush();
    isFlaky = false;
    const order = (await queue.history()).map(({ payload }) => payload.cents);
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("stores all others when the queue will never take one of them", async () => {
    const queue = openLog();
    const onError = vi.fn();
    const node = makeNode({ queue, onError });
    for (const cents of [0, 1, 2, Number.NaN, 4, 5]) {
      node.bus.publishSync("order.placed", { id: "A", cents });
    }
    await node.start();
    await node.flush();
    const order = (await queue.history()).map(({ payload }) => payload.cents);
    expect(order).toEqual([0, 1, 2, 4, 5]);
    expect(onError.mock.calls).toMatchObject([[{ code: "PAYLOAD_NOT_JSON" }]]);
    expect(node.stats()).toMatchObject({ spooled: 0, dropped: { invalid: 1 } });
  });

  it("counts what is on its way: a flood of publishSync keeps to the bound", async () => {
    const queue = openLog();
    const onError = vi.fn();
    const node = await startNode({ queue, spoolLimit: 100, onError });
    const heard = vi.fn();
    node.bus.subscribe("order.placed", heard);
    for (let n = 0; n < 1_000; n += 1) node.bus.publishSync("order.placed", { id: "A", cents: n });
    expect(heard).toHaveBeenCalledTimes(1_000);
    await node.flush();
    expect((await queue.history()).map(({ payload }) => payload.cents)).toEqual(
      Array.from({ length: 100 }, (_, n) => n),
    );
    expect(node.stats().dropped.error).toBe(900);
    expect(onError).toHaveBeenCalledTimes(1);
    // The next streak is told of again.
    for (let n = 0; n < 200; n += 1) node.bus.publishSync("order.placed", { id: "B", cents: n });
    expect(onError).toHaveBeenCalledTimes(2);
    await node.flush();
    expect(await queue.history()).toHaveLength(200);
  });

  it("has room again for each event that is stored", async () => {
    const queue = openLog();
    const node = await startNode({ queue, spoolLimit: 5 });
    for (let n = 0; n < 50; n += 1) {
      const publishes = Array.from({ length: 5 }, () =>
        node.bus.publish("order.placed", { id: "A", cents: n }),
      );
      for (const { errors } of await Promise.all(publishes)) expect(errors).toEqual([]);
    }
    expect(await queue.history()).toHaveLength(250);
  });

  it("stores an event once whose answer was lost at its first try", async () => {
    const queue = openLog();
    const node = await startNode({ queue, onError: () => undefined });
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const store = queue.send.bind(queue);
    vi.spyOn(queue, "send").mockImplementationOnce(async (...args) => {
      await store(...args);
      throw new QueueError("SERVER_UNREACHABLE", "The answer was lost.");
    });
    const { errors } = await node.bus.publish("order.placed", { id: "A", cents: 1 });
    expect(errors).toMatchObject([{ cause: { code: "NOT_STORED" } }]);
    await node.flush();
    vi.restoreAllMocks();
    expect(await queue.history()).toHaveLength(1);
    expect(node.stats().forwarded.topicToQueue).toBe(1);
  });
});
