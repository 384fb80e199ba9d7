import { QueueError } from "@ringrift/event-queue";
import { describe, expect, it, vi } from "vitest";
import { makeNode, openLog, settle, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };

describe("a durable publish", () => {
  it("resolves with the id and position of what is stored, after the local handlers", async () => {
    const node = await startNode();
    const handler = vi.fn();
    node.bus.subscribe("order.placed", handler);
    const receipt = await node.publish("order.placed", order, { metadata: { shelf: 3 } });
    const [stored] = await node.queue.history();
    expect(receipt).toMatchObject({ id: stored?.id, position: stored?.position, delivered: 1 });
    expect(handler).toHaveBeenCalledTimes(1);
    expect(handler.mock.calls[0]?.[0]).toMatchObject({ id: receipt.id, metadata: { shelf: 3 } });
  });

  it("stores before it dispatches", async () => {
    const node = await startNode();
    const seen: number[] = [];
    node.bus.subscribe("order.placed", async () => {
      seen.push((await node.queue.stats()).events);
    });
    await node.publish("order.placed", order);
    expect(seen).toEqual([1]);
  });

  it("is handled once here and once on every other node", async () => {
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    const handlers = [a, b].map((node) => {
      const handler = vi.fn();
      node.bus.subscribe("order.placed", handler);
      return handler;
    });
    await a.publish("order.placed", order);
    await settle(queue);
    expect(handlers.map((handler) => handler.mock.calls.length)).toEqual([1, 1]);
    expect((await queue.stats()).events).toBe(1);
  });

  it("rejects when it can't be stored, and no local handler runs", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const handler = vi.fn();
    node.bus.subscribe("order.placed", handler);
    const broken = vi
      .spyOn(queue, "send")
      .mockRejectedValue(new QueueError("QUEUE_READ_ONLY", "The file is read-only."));
    await expect(node.publish("order.placed", order)).rejects.toMatchObject({
      code: "QUEUE_READ_ONLY",
    });
    broken.mockRestore();
    expect(handler).not.toHaveBeenCalled();
  });

  it("with a known dedupe key stores and dispatches nothing", async () => {
    const node = await startNode();
    const handler = vi.fn();
    node.bus.subscribe("order.placed", handler);
    const first = await node.publish("order.placed", order, { dedupeKey: "A-1" });
    const second = await node.publish("order.placed", order, { dedupeKey: "A-1" });
    expect(second).toMatchObject({ id: first.id, position: first.position, duplicate: true });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it("is refused before start, for names the catalogue doesn't know, and for local topics", async () => {
    const node = makeNode();
    await expect(node.publish("order.placed", order)).rejects.toMatchObject({
      code: "NOT_STARTED",
    });
    await node.start();
    // @ts-expect-error not a topic
    await expect(node.publish("ORDER_PLACED", order)).rejects.toThrow('Write "order.placed"');
    // @ts-expect-error not a topic
    await expect(node.publish("order.plced", order)).rejects.toThrow(
      'Did you mean "order.placed"?',
    );
    await expect(node.publish("cart.changed", { id: "c" })).rejects.toMatchObject({
      code: "LOCAL_TOPIC",
    });
  });

  it.each([
    ["a bigint", { cents: 1n }],
    ["a function", { retry: () => undefined }],
    ["a date", { at: new Date(0) }],
    ["a map", new Map([["shelf", 3]])],
    ["a cycle", cycle()],
  ])("is refused with a code when its metadata is no JSON: %s", async (_, metadata) => {
    const node = await startNode();
    const handler = vi.fn();
    node.bus.subscribe("order.placed", handler);
    // @ts-expect-error a map is none either
    const publish = node.publish("order.placed", order, { metadata });
    await expect(publish).rejects.toMatchObject({ code: "METADATA_NOT_JSON" });
    expect(handler).not.toHaveBeenCalled();
    expect((await node.queue.stats()).events).toBe(0);
  });

  it("has a typed emitter a topic", async () => {
    const node = await startNode();
    const { id } = await node.emitters.orderPlaced(order);
    expect(await node.queue.history()).toMatchObject([
      { id, type: "ORDER_PLACED", payload: order },
    ]);
  });
});

describe("a publish that the queue can't store for now", () => {
  it("says so in its errors, waits, and is stored in order once it can", async () => {
    const queue = openLog();
    const node = await startNode({ queue, onError: () => undefined });
    const send = vi
      .spyOn(queue, "send")
      .mockRejectedValue(new QueueError("QUEUE_BUSY", "Another process holds the lock."));
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    for (const id of ["1", "2", "3"]) {
      const { errors } = await node.bus.publish("order.placed", { id, cents: 1 });
      expect(errors[0]?.cause).toMatchObject({ code: "NOT_STORED" });
    }
    expect(node.stats().spooled).toBe(3);
    expect((await node.health()).ok).toBe(false);
    send.mockRestore();
    await node.flush();
    const events = await node.queue.history();
    expect(events.map((event) => event.payload.id)).toEqual(["1", "2", "3"]);
    expect(node.stats()).toMatchObject({ spooled: 0, forwarded: { topicToQueue: 3 } });
  });

  it("is given up, counted and reported when the spool is full or the node stops", async () => {
    const queue = openLog();
    const given: unknown[] = [];
    const node = await startNode({ queue, spoolLimit: 1, onError: (error) => given.push(error) });
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    vi.spyOn(queue, "send").mockRejectedValue(new QueueError("QUEUE_BUSY", "Busy."));
    await node.bus.publish("order.placed", order);
    const { errors } = await node.bus.publish("order.placed", order);
    expect(errors[0]?.message).toMatch(/lost to other processes/);
    expect(await node.stop({ timeoutMs: 20 })).toEqual({ drained: false, left: 1 });
    expect(node.stats().dropped.error).toBe(2);
    expect(given).toMatchObject([{ code: "SPOOL_FULL" }, { code: "NOT_STORED" }]);
    vi.restoreAllMocks();
  });
});

describe("what waits in the spool", () => {
  const busy = new QueueError("QUEUE_BUSY", "Another process holds the lock.");

  it("of a work handler's children is not multiplied by its retry", async () => {
    const queue = openLog();
    const node = makeNode({ queue, onError: () => undefined });
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const send = vi.spyOn(queue, "send");
    const options = { group: "mailer", backoff: { initialMs: 1 } };
    node.handle("order.placed", options, async ({ attempt, payload }) => {
      if (attempt === 1) send.mockRejectedValueOnce(busy);
      await node.bus.publish("order.paid", { id: payload.id });
      if (attempt === 1) throw new Error("after the publish");
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    await node.flush();
    vi.restoreAllMocks();
    const types = (await node.queue.history()).map(({ type }) => type);
    expect(types).toEqual(["ORDER_PLACED", "ORDER_PAID"]);
  });

  it("and is being stored when the node stops is counted once, as what came of it", async () => {
    const queue = openLog();
    const onError = vi.fn();
    const node = await startNode({ queue, onError });
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    const store = queue.send.bind(queue);
    const send = vi.spyOn(queue, "send").mockRejectedValueOnce(busy);
    await node.bus.publish("order.placed", order);
    await node.bus.publish("order.paid", { id: "A-1" });
    send.mockImplementation(async (...args) => {
      await promise;
      return store(...args);
    });
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(2));
    expect(await node.stop({ timeoutMs: 20 })).toEqual({ drained: false, left: 2 });
    resolve();
    await vi.waitFor(() => expect(node.stats().spooled).toBe(0));
    vi.restoreAllMocks();
    expect(node.stats()).toMatchObject({
      forwarded: { topicToQueue: 1 },
      dropped: { error: 1 },
    });
    expect(onError).toHaveBeenCalledTimes(1);
  });
});

describe("a publish on the bus whose metadata is no JSON", () => {
  it("reaches the handlers here, is counted, and says in its errors that it went no further", async () => {
    const node = await startNode();
    const reported = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const handler = vi.fn();
    node.bus.subscribe("order.placed", handler);
    const { errors } = await node.bus.publish("order.placed", order, { metadata: { cents: 1n } });
    expect(errors).toMatchObject([{ cause: { code: "METADATA_NOT_JSON" } }]);
    expect(errors[0]?.message).toContain('a bigint at "metadata.cents"');
    node.bus.publishSync("order.placed", order, { metadata: { run: () => undefined } });
    expect(handler).toHaveBeenCalledTimes(2);
    expect(reported).toHaveBeenCalledTimes(2);
    reported.mockRestore();
    expect(node.stats().dropped.invalid).toBe(2);
    expect((await node.queue.stats()).events).toBe(0);
  });
});

function cycle(): object {
  const self: Record<string, unknown> = {};
  self["self"] = self;
  return self;
}
