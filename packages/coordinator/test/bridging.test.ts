import { hostname } from "node:os";
import { QueueError } from "@ringrift/event-queue";
import { describe, expect, it, vi } from "vitest";
import { makeNode, openLog, settle, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };

describe("an event published on one node", () => {
  it.each([1, 2, 3, 5])("is handled once on each of %i, and stored once", async (count) => {
    const queue = openLog();
    const nodes = await Promise.all(Array.from({ length: count }, () => startNode({ queue })));
    const handlers = nodes.map((node) => {
      const handler = vi.fn();
      node.bus.subscribe("order.placed", handler);
      return handler;
    });
    await nodes[0]?.bus.publish("order.placed", order);
    await settle(queue);
    expect(handlers.map((handler) => handler.mock.calls.length)).toEqual(Array(count).fill(1));
    expect((await queue.stats()).events).toBe(1);
  });

  it("keeps its id, its origin and its trail on the others", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    const arrived = b.bus.waitFor("order.placed");
    const { event } = await a.bus.publish("order.placed", order, {
      correlationId: "visit-7",
      source: "web",
      metadata: { shelf: 3 },
    });
    expect(await arrived).toMatchObject({
      id: event.id,
      time: event.time,
      origin: event.origin,
      source: "web",
      correlationId: "visit-7",
      payload: order,
      metadata: { shelf: 3 },
      via: [a.bus.id, b.bus.id],
    });
  });

  it("arrives when a plain send stored it, in this very process too", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    const arrived = Promise.all([a.bus.waitFor("order.placed"), b.bus.waitFor("order.placed")]);
    const sent = await queue.send("ORDER_PLACED", order);
    expect((await arrived).map((event) => event.id)).toEqual([sent.id, sent.id]);
    await settle(queue);
    expect((await queue.stats()).events).toBe(1);
  });

  it("in the guide's form is the same on the other side: its metadata is its payload", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    const arrived = b.bus.waitFor("order.placed");
    await a.bus.publish({ topic: "order.placed", metadata: order });
    expect(await arrived).toMatchObject({ payload: order, metadata: order });
  });

  it("is stored when the publish has resolved, though its handlers started before that", async () => {
    const node = await startNode();
    const seen: number[] = [];
    node.bus.subscribe("order.placed", async () => {
      seen.push((await node.queue.stats()).events);
    });
    const { delivered, errors } = await node.bus.publish("order.placed", order);
    expect(errors).toEqual([]);
    expect(delivered).toBe(1);
    expect((await node.queue.stats()).events).toBe(1);
    expect(seen).toHaveLength(1);
  });

  it("by publishSync is stored after a flush", async () => {
    const node = await startNode();
    node.bus.publishSync("order.placed", order);
    await node.flush();
    expect((await node.queue.stats()).events).toBe(1);
  });

  it("stays here when it is declared local, or nobody's", async () => {
    const node = await startNode();
    await node.bus.publish("cart.changed", { id: "c" });
    expect((await node.queue.stats()).events).toBe(0);
  });
});

describe("a stage result", () => {
  it("goes on under its topic and its queue name, with one id and its own spelling", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    const here = a.bus.waitFor("order.paid");
    const there = b.bus.waitFor("order.paid");
    await a.stages.emit({ stage: "pay_complete", success: true, id: "A-1" });
    const [local, remote, [stored]] = [await here, await there, await queue.history()];
    expect(stored).toMatchObject({ type: "ORDER_PAID", id: local.id });
    expect(remote.id).toBe(local.id);
    expect(remote.metadata).toMatchObject({ stage: "pay_complete" });
    expect(remote.payload).toMatchObject({ id: "A-1", success: true });
  });

  it("of a failure goes on as the failure only", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    const topics: string[] = [];
    for (const node of [a, b]) node.bus.subscribe("**", (event) => topics.push(event.topic));
    const failed = b.bus.waitFor("order.failed");
    await a.stages.emit({ stage: "pay_complete", success: false, error: "no funds" });
    expect((await failed).payload).toMatchObject({ success: false, error: "no funds" });
    await settle(queue);
    expect(topics).toEqual(["order.failed", "order.failed"]);
  });

  it("is awaited to the log: what can't be stored is among the errors of the emit", async () => {
    const node = await startNode({ onError: () => undefined });
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const delivery = await node.stages.emit({
      stage: "pay_complete",
      success: true,
      id: "A-1",
      metrics: circular as Record<string, number>,
    });
    expect(delivery.errors).toHaveLength(1);
    expect(node.stats().dropped.invalid).toBe(1);
  });
});

describe("each direction", () => {
  it("is counted, and so is what is dropped, by reason", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    await a.stages.emit({ stage: "pay_complete", success: true, id: "A-1" });
    await queue.send("NEVER_HEARD_OF", {});
    await settle(queue);
    expect(a.stats()).toMatchObject({
      forwarded: { stageToTopic: 1, topicToQueue: 1, queueToTopic: 0 },
      dropped: { echo: 0, unmapped: 1, duplicate: 0, invalid: 0, error: 0 },
      own: 1,
      running: true,
    });
    expect(b.stats()).toMatchObject({
      forwarded: { stageToTopic: 0, topicToQueue: 0, queueToTopic: 1 },
      dropped: { echo: 0, unmapped: 1 },
    });
  });

  it("can be switched off", async () => {
    const queue = openLog();
    const deaf = await startNode({ queue, bridges: { queueToTopic: false } });
    const mute = await startNode({ queue, bridges: { topicToQueue: false, stageToTopic: false } });
    const heard = vi.fn();
    deaf.bus.subscribe("**", heard);
    mute.bus.subscribe("**", heard);
    await mute.bus.publish("order.placed", order);
    await mute.stages.emit({ stage: "pay_complete", success: true, id: "A-1" });
    await queue.send("ORDER_PLACED", { id: "B", cents: 1 });
    await settle(queue);
    expect(heard.mock.calls.map(([event]) => event.payload.id)).toEqual(["A-1", "B"]);
    expect((await queue.groups.list()).length).toBe(1);
  });
});

describe("a ring of nodes on two logs", () => {
  it("ends where the event has been, however many bridges there are", async () => {
    const [one, two] = [openLog(), openLog()];
    const a = await startNode({ queue: one });
    const b = await startNode({ queue: one });
    // These two share b's and a's buses, so that every event could go round for ever.
    await startNode({ queue: two, bus: b.bus });
    await startNode({ queue: two, bus: a.bus });
    const [atA, atB] = [vi.fn(), vi.fn()];
    a.bus.subscribe("order.placed", atA);
    b.bus.subscribe("order.placed", atB);
    await a.bus.publish("order.placed", order);
    await settle(one);
    await settle(two);
    expect([atA.mock.calls.length, atB.mock.calls.length]).toEqual([1, 1]);
    expect([(await one.stats()).events, (await two.stats()).events]).toEqual([1, 1]);
  });
});

describe("a handler on the bus", () => {
  it("that fails on an event from the queue is reported, and the event is not delivered again", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const reported = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const handler = vi.fn(() => {
      throw new Error("boom");
    });
    node.bus.subscribe("order.placed", handler);
    await queue.send("ORDER_PLACED", order);
    await settle(queue);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(reported).toHaveBeenCalled();
    expect(await queue.deadLetters.list()).toEqual([]);
    reported.mockRestore();
  });

  it("may wait for the next event without a deadlock", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const order = vi.fn();
    node.bus.subscribe("order.placed", async () => {
      order(await node.bus.waitFor("order.paid"));
    });
    await queue.sendMany([
      { type: "ORDER_PLACED", payload: { id: "1", cents: 1 } },
      { type: "ORDER_PAID", payload: { id: "1" } },
    ]);
    await vi.waitFor(() => expect(order).toHaveBeenCalledTimes(1));
  });

  it("publishes as a consequence: its event inherits the trail", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    b.bus.subscribe("order.placed", async (event) => {
      await b.bus.publish("order.paid", { id: event.payload.id });
    });
    const paid = a.bus.waitFor("order.paid");
    const { event } = await a.bus.publish("order.placed", order);
    expect(await paid).toMatchObject({ causationId: event.id, correlationId: event.correlationId });
  });
});

describe("start and stop", () => {
  it("are idempotent, also at the same time", async () => {
    const node = makeNode();
    await Promise.all([node.start(), node.start()]);
    expect(node.running).toBe(true);
    await node.bus.publish("order.placed", order);
    expect(node.stats().forwarded.topicToQueue).toBe(1);
    expect(await Promise.all([node.stop(), node.stop()])).toEqual([
      { drained: true, left: 0 },
      { drained: true, left: 0 },
    ]);
    expect(node.running).toBe(false);
  });

  it("leave nothing forwarded in between", async () => {
    const node = await startNode();
    await node.stop();
    await node.bus.publish("order.placed", order);
    expect((await node.queue.stats()).events).toBe(0);
  });

  it("let a named node go on where it stopped, and a new one begin at now", async () => {
    const queue = openLog();
    await queue.send("ORDER_PLACED", { id: "before", cents: 1 });
    const node = await startNode({ queue, node: "shop-1" });
    const seen: string[] = [];
    node.bus.subscribe("order.placed", (event) => seen.push(event.payload.id));
    await queue.send("ORDER_PLACED", { id: "during", cents: 1 });
    await settle(queue);
    await node.stop();
    await queue.send("ORDER_PLACED", { id: "while it was down", cents: 1 });
    await node.start();
    await settle(queue);
    expect(seen).toEqual(["during", "while it was down"]);
  });

  it("keep nothing of an unnamed node", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    expect(await queue.groups.list()).toHaveLength(1);
    await node.stop();
    expect(await queue.groups.list()).toEqual([]);
  });

  it("refuse a name that somebody holds, until he stops", async () => {
    const queue = openLog();
    const first = await startNode({ queue, node: "shop-1" });
    const second = makeNode({ queue, node: "shop-1" });
    await expect(second.start()).rejects.toMatchObject({
      code: "NODE_NAME_TAKEN",
      message: expect.stringContaining(`by process ${process.pid} on host "${hostname()}"`),
    });
    expect(second.running).toBe(false);
    await first.stop();
    await second.start();
    expect(second.running).toBe(true);
  });

  it("honour a group that the launcher made before the node", async () => {
    const queue = openLog();
    await queue.group("shop-1").ensure();
    await queue.send("ORDER_PLACED", order);
    const node = makeNode({ queue, node: "shop-1" });
    const arrived = node.bus.waitFor("order.placed");
    await node.start();
    expect((await arrived).payload).toEqual(order);
  });

  it("give the name back when the start fails after it was claimed", async () => {
    const queue = openLog();
    const node = makeNode({ queue, node: "shop-1" });
    node.handle("order.placed", { group: "mailer" }, () => undefined);
    const consume = vi.spyOn(queue, "consume").mockImplementationOnce(() => {
      throw new QueueError("UNSUPPORTED", "This queue has no consumers.");
    });
    await expect(node.start()).rejects.toMatchObject({ code: "UNSUPPORTED" });
    consume.mockRestore();
    expect((await queue.groups.list()).map((group) => group.claimedBy)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("keep to the limit when the queue is slow to store", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const { promise, resolve } = Promise.withResolvers<void>();
    const send = queue.send.bind(queue);
    const slow = vi.spyOn(queue, "send").mockImplementation(async (type, payload, options) => {
      await promise;
      return send(type, payload, options);
    });
    const publish = node.bus.publish("order.placed", order);
    expect(await node.stop({ timeoutMs: 20 })).toEqual({ drained: false, left: 1 });
    resolve();
    await publish;
    slow.mockRestore();
  });

  it("wait for a durable publish that is under way", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const handler = vi.fn();
    node.bus.subscribe("order.placed", handler);
    const publish = node.publish("order.placed", order);
    expect(await node.close()).toEqual({ drained: true, left: 0 });
    expect(await publish).toMatchObject({ position: 1, delivered: 1 });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it("resolve though the queue was closed first", async () => {
    const queue = openLog();
    const nodes = [await startNode({ queue }), await startNode({ queue, node: "shop-1" })];
    await queue.close();
    for (const node of nodes) expect(await node.close()).toEqual({ drained: true, left: 0 });
  });

  it("wait for running handlers, up to the limit", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const { promise, resolve } = Promise.withResolvers<void>();
    node.handle("order.placed", { group: "mailer" }, () => promise);
    await queue.send("ORDER_PLACED", order);
    await vi.waitFor(async () => {
      expect((await queue.groups.list()).find((group) => group.name === "mailer")?.inFlight).toBe(
        1,
      );
    });
    expect(await node.stop({ timeoutMs: 20 })).toEqual({ drained: false, left: 1 });
    resolve();
  });

  it("close what the coordinator made, and only that", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    await node.close();
    await node.close();
    await expect(node.start()).rejects.toMatchObject({ code: "COORDINATOR_CLOSED" });
    await expect(node.publish("order.placed", order)).rejects.toMatchObject({
      code: "COORDINATOR_CLOSED",
    });
    expect(() => node.bus.publishSync("order.placed", order)).toThrow(
      expect.objectContaining({ code: "BUS_CLOSED" }),
    );
    expect((await queue.send("ORDER_PLACED", order)).position).toBe(1);
  });
});
