import { MemoryEventQueue, MemoryLog, QueueError } from "@ringrift/event-queue";
import { injectFaults } from "@ringrift/event-queue/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { makeNode, openLog, settle, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };

describe("own events that come back", () => {
  it.each([16, 17, 40, 300])(
    "take no place: %i handlers at once get the replies that they wait for",
    async (count) => {
      const queue = openLog();
      const [shop, cashier] = [await startNode({ queue }), await startNode({ queue })];
      cashier.bus.subscribe("order.placed", async ({ payload }) => {
        await cashier.publish("order.paid", { id: payload.id });
      });
      let replies = 0;
      shop.bus.subscribe("order.placed", async ({ payload }) => {
        const mine = ({ payload: paid }: { payload: { id: string } }) => paid.id === payload.id;
        await shop.bus.waitFor("order.paid", { where: mine, timeoutMs: 5_000 });
        replies += 1;
      });
      const ids = Array.from({ length: count }, (_, n) => String(n));
      await Promise.all(ids.map((id) => shop.bus.publish("order.placed", { id, cents: 1 })));
      expect(replies).toBe(count);
    },
  );

  it("whose handlers hang don't keep others' events from arriving, nor are they passed", async () => {
    const queue = openLog();
    const [shop, other] = [await startNode({ queue, node: "shop-1" }), await startNode({ queue })];
    const { promise, resolve } = Promise.withResolvers<void>();
    shop.bus.subscribe("order.placed", () => promise);
    const publishes = Array.from({ length: 20 }, () => shop.bus.publish("order.placed", order));
    const alarm = shop.bus.waitFor("order.failed", { timeoutMs: 2_000 });
    await other.publish("order.failed", { id: "A-1" });
    await alarm;
    const mine = async () => (await queue.groups.list()).find(({ name }) => name === "shop-1");
    await vi.waitFor(async () => expect((await mine())?.pending).toBe(20));
    resolve();
    await Promise.all(publishes);
    await vi.waitFor(async () => expect((await mine())?.pending).toBe(0));
  });

  it("are counted as own, and not as dropped", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    await node.bus.publish("order.placed", order);
    await node.publish("order.placed", order);
    await settle(queue);
    expect(node.stats()).toMatchObject({ own: 2, dropped: { echo: 0, duplicate: 0 } });
  });
});

describe("a publish whose answer was lost", () => {
  const lost = async () => {
    const log = new MemoryLog();
    const [queue, others] = [new MemoryEventQueue({ log }), new MemoryEventQueue({ log })];
    onTestFinished(async () => {
      await Promise.all([queue.close(), others.close()]);
    });
    const [node, other] = [await startNode({ queue }), await startNode({ queue: others })];
    const heard = [node, other].map(({ bus }) => {
      const handler = vi.fn();
      bus.subscribe("order.placed", handler);
      return handler;
    });
    injectFaults(queue).loseNextAnswer();
    const publish = node.publish("order.placed", order, { dedupeKey: "A-1" });
    await expect(publish).rejects.toMatchObject({ code: "ANSWER_LOST" });
    const calls = () => heard.map((handler) => handler.mock.calls.length);
    return { node, queue, calls, event: () => heard[0]?.mock.calls[0]?.[0] };
  };

  it("reaches its own bus, once, when it turns out to be stored", async () => {
    const { queue, calls, event } = await lost();
    await settle(queue);
    expect(calls()).toEqual([1, 1]);
    const [stored] = await queue.history();
    expect(event()).toMatchObject({ id: stored?.id, payload: order });
    // Nobody has handled it before.
    expect(event().redelivered).toBeUndefined();
  });

  it("reaches it once when it is repeated with the same dedupe key, too", async () => {
    const { node, queue, calls } = await lost();
    const again = await node.publish("order.placed", order, { dedupeKey: "A-1" });
    expect(again).toMatchObject({ duplicate: true, position: 1 });
    await settle(queue);
    expect(calls()).toEqual([1, 1]);
    expect(await queue.history()).toHaveLength(1);
  });

  it("reaches it by its repetition where the queue's events don't come back", async () => {
    const queue = openLog();
    const node = await startNode({ queue, bridges: { queueToTopic: false } });
    const handler = vi.fn();
    node.bus.subscribe("order.placed", handler);
    injectFaults(queue).loseNextAnswer();
    const options = { dedupeKey: "A-1", metadata: { shelf: 3 } };
    await expect(node.publish("order.placed", order, options)).rejects.toMatchObject({
      code: "ANSWER_LOST",
    });
    expect(handler).not.toHaveBeenCalled();
    const again = await node.publish("order.placed", order, options);
    expect(again).toMatchObject({ duplicate: true, delivered: 1 });
    expect(handler.mock.calls[0]?.[0]).toMatchObject({ id: again.id, metadata: { shelf: 3 } });
    await node.publish("order.placed", order, options);
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it.each(["publish", "bus.publish"])(
    "reaches it once when it was a work handler's, who repeats it with %s",
    async (way) => {
      const queue = openLog();
      const node = makeNode({ queue });
      const heard = vi.fn();
      node.bus.subscribe("order.paid", heard);
      const options = { group: "cashier", backoff: { initialMs: 1, maxMs: 1 } };
      node.handle("order.placed", options, async ({ attempt }) => {
        if (attempt === 1) injectFaults(queue).loseNextAnswer();
        const again = attempt > 1 && way === "bus.publish";
        if (again) await node.bus.publish("order.paid", { id: "A-1" });
        else await node.publish("order.paid", { id: "A-1" });
      });
      await node.start();
      await node.publish("order.placed", order);
      await vi.waitFor(() => expect(node.stats().handled).toBe(1));
      await settle(queue);
      expect(await queue.history({ eventTypes: ["ORDER_PAID"] })).toHaveLength(1);
      expect(heard).toHaveBeenCalledTimes(1);
    },
  );

  it("and one that was refused for certain leaves nothing to wait for", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const busy = new QueueError("QUEUE_BUSY", "Another process holds the lock.");
    const send = vi.spyOn(queue, "send").mockRejectedValueOnce(busy);
    await expect(node.publish("order.placed", order)).rejects.toBe(busy);
    send.mockRestore();
    expect(await node.stop()).toEqual({ drained: true, left: 0 });
  });
});

describe("the memory of seen ids", () => {
  it("has an event only after its ack: one whose handlers were cut short comes through again", async () => {
    const queue = openLog();
    const node = await startNode({ queue, node: "shop-1", onError: () => undefined });
    const heard = vi.fn(() => new Promise(() => undefined));
    node.bus.subscribe("order.placed", heard);
    await queue.send("ORDER_PLACED", order);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1));
    expect(await node.stop({ timeoutMs: 10 })).toEqual({ drained: false, left: 1 });
    // As a first attempt, by which it isn't told from an event that comes by a second way.
    await queue.groups.seek("shop-1", "beginning");
    await node.start();
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(2));
  });

  it("has one whose handlers are running: it is dropped, and not passed before they are done", async () => {
    const queue = openLog();
    const node = await startNode({ queue, node: "shop-1" });
    const { promise, resolve } = Promise.withResolvers<void>();
    const heard = vi.fn(() => promise);
    node.bus.subscribe("order.placed", heard);
    await queue.send("ORDER_PLACED", order);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1));
    await queue.groups.seek("shop-1", "beginning");
    await vi.waitFor(() => expect(node.stats().dropped.duplicate).toBe(1));
    expect((await queue.groups.list())[0]?.pending).toBe(1);
    resolve();
    await settle(queue);
    expect(heard).toHaveBeenCalledTimes(1);
  });
});
