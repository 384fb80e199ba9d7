import { QueueError } from "@ringrift/event-queue";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { makeNode, openLog, settle, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };
const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: `${n}`, cents: n }));

function spyOnWarnings() {
  return vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
}

describe("before the first start", () => {
  it("a handler of work that begins while what was published is still being stored may publish durably", async () => {
    const queue = openLog();
    await queue.send("ORDER_PLACED", order);
    const node = makeNode({ queue });
    const handled = Promise.withResolvers<unknown>();
    node.handle("order.placed", { group: "cashier", from: "beginning" }, async () => {
      const publish = node.publish("order.paid", { id: "A-1" });
      handled.resolve(publish);
      await publish;
    });
    node.bus.publishSync("order.failed", {});
    const send = vi.spyOn(queue, "send");
    send.mockImplementationOnce(async (type, payload, options) => {
      await handled.promise;
      return queue.send(type, payload, options);
    });
    await node.start();
    expect(await handled.promise).toMatchObject({ duplicate: false });
  });

  it("a publish reaches its handlers here, says that it isn't stored, and is stored in order at the start", async () => {
    const queue = openLog();
    const onError = vi.fn();
    const warn = spyOnWarnings();
    const node = makeNode({ queue, onError });
    const heard = vi.fn();
    node.bus.subscribe("order.placed", heard);
    for (const each of numbered(20)) {
      const { delivered, errors } = await node.bus.publish("order.placed", each);
      expect(delivered).toBe(1);
      expect(errors).toMatchObject([{ cause: { code: "NOT_STORED" } }]);
    }
    expect(node.stats().spooled).toBe(20);
    expect(await queue.history()).toEqual([]);
    await node.start();
    // It is as it should be, so nobody is told of a failure.
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    expect(onError).not.toHaveBeenCalled();
    const ids = (await queue.history()).map(({ payload }) => payload.id);
    expect(ids).toEqual(numbered(20).map(({ id }) => id));
    await settle(queue);
    expect(heard).toHaveBeenCalledTimes(20);
    expect(node.stats()).toMatchObject({ spooled: 0, forwarded: { topicToQueue: 20 }, own: 20 });
  });

  it("so does a stage result, with nobody told of a failure", async () => {
    const warn = spyOnWarnings();
    const node = makeNode({ queue: openLog() });
    const { errors } = await node.stages.emit({ stage: "pay_complete", success: true, id: "A" });
    expect(errors).toHaveLength(1);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    await node.start();
    expect(await node.queue.history()).toMatchObject([{ type: "ORDER_PAID" }]);
  });

  it("what comes above the bound stays here, counted, and told once", async () => {
    const onError = vi.fn();
    const warn = spyOnWarnings();
    const node = makeNode({ queue: openLog(), spoolLimit: 3, onError });
    for (const each of numbered(3)) node.bus.publishSync("order.placed", each);
    for (const each of numbered(5)) {
      const { errors } = await node.bus.publish("order.placed", each);
      expect(errors).toMatchObject([{ cause: { code: "SPOOL_FULL" } }]);
    }
    expect(onError.mock.calls).toMatchObject([[{ code: "SPOOL_FULL" }]]);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    expect(node.stats()).toMatchObject({ spooled: 3, dropped: { error: 5 } });
    await node.start();
    expect(await node.queue.history()).toHaveLength(3);
  });

  it("a close counts what waited as left, and a flush says that it would wait for ever", async () => {
    const onError = vi.fn();
    const node = makeNode({ queue: openLog(), onError });
    for (const each of numbered(3)) node.bus.publishSync("order.placed", each);
    await expect(node.flush()).rejects.toMatchObject({ code: "NOT_STARTED" });
    expect(await node.close()).toEqual({ drained: false, left: 3 });
    expect(await node.close()).toEqual({ drained: false, left: 3 });
    expect(onError.mock.calls).toMatchObject([[{ code: "NOT_STORED" }]]);
    expect(node.stats()).toMatchObject({ spooled: 0, dropped: { error: 3 } });
  });

  it("a start that fails leaves what waits to the next one", async () => {
    const queue = openLog();
    const node = makeNode({ queue, node: "shop-1" });
    await node.bus.publish("order.placed", order);
    const claim = vi.spyOn(queue.groups, "claim").mockRejectedValueOnce(new Error("no"));
    await expect(node.start()).rejects.toThrow("no");
    claim.mockRestore();
    expect(node.stats().spooled).toBe(1);
    await node.start();
    expect(await queue.history()).toHaveLength(1);
  });

  it("so does one after a stop, and a close without a start counts what waits as left", async () => {
    const queue = openLog();
    const warn = spyOnWarnings();
    const node = await startNode({ queue, node: "shop-1" });
    await node.stop();
    const claim = vi.spyOn(queue.groups, "claim").mockRejectedValue(new Error("no"));
    const starting = node.start();
    node.bus.publishSync("order.placed", order);
    await expect(starting).rejects.toThrow("no");
    expect(node.stats().spooled).toBe(1);
    await expect(node.flush()).rejects.toMatchObject({ code: "NOT_STARTED" });
    claim.mockRestore();
    await node.start();
    expect(await queue.history()).toMatchObject([{ payload: order }]);
    await node.stop();
    const failing = vi.spyOn(queue.groups, "claim").mockRejectedValue(new Error("no"));
    const again = node.start();
    node.bus.publishSync("order.placed", order);
    await expect(again).rejects.toThrow("no");
    expect(await node.close()).toEqual({ drained: false, left: 1 });
    failing.mockRestore();
    warn.mockRestore();
  });
});

describe("while it starts and stops", () => {
  it("each publish is stored, or says that it isn't", async () => {
    const queue = openLog();
    const node = makeNode({ queue, node: "shop-1" });
    const warn = spyOnWarnings();
    let stored = 0;
    for (const step of ["start", "stop", "start", "stop"] as const) {
      const running = node[step]();
      const publishes = [];
      for (const each of numbered(20)) {
        publishes.push(node.bus.publish("order.placed", each));
        await nextTurn();
      }
      await running;
      const deliveries = await Promise.all(publishes);
      if (step === "start") {
        await node.flush();
        stored += 20;
      } else {
        expect(await running).toEqual({ drained: true, left: 0 });
        stored += deliveries.filter(({ errors }) => errors.length === 0).length;
      }
      expect(await queue.history()).toHaveLength(stored);
    }
    warn.mockRestore();
    expect(node.stats().dropped["not-running"]).toBe(80 - stored);
  });

  it("a publish that comes while the start stores what waits is stored after it, with nobody told of a failure", async () => {
    const queue = openLog();
    const onError = vi.fn();
    const warn = spyOnWarnings();
    const node = makeNode({ queue, onError });
    for (const each of numbered(3)) await node.bus.publish("order.placed", each);
    const { promise, resolve } = Promise.withResolvers<void>();
    const send = queue.send.bind(queue);
    const slow = vi.spyOn(queue, "send").mockImplementationOnce(async (...given) => {
      await promise;
      return send(...given);
    });
    const starting = node.start();
    await vi.waitFor(() => expect(slow).toHaveBeenCalled());
    const { errors } = await node.bus.publish("order.placed", order);
    expect(errors).toMatchObject([{ cause: { code: "NOT_STORED" } }]);
    resolve();
    await starting;
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    expect(onError).not.toHaveBeenCalled();
    expect((await queue.history()).map(({ payload }) => payload)).toEqual([...numbered(3), order]);
    slow.mockRestore();
  });

  it("a work handler that begins before what waits is stored may publish durably", async () => {
    const queue = openLog();
    await queue.send("ORDER_PAID", { id: "A-1" });
    const warn = spyOnWarnings();
    const node = makeNode({ queue });
    const worked = Promise.withResolvers<unknown>();
    node.handle("order.paid", { group: "mailer", from: "beginning" }, async () => {
      await node.publish("order.failed", { id: "A-1" }).then(worked.resolve, worked.resolve);
    });
    for (const each of numbered(3)) await node.bus.publish("order.placed", each);
    const { promise, resolve } = Promise.withResolvers<void>();
    const send = queue.send.bind(queue);
    const slow = vi.spyOn(queue, "send").mockImplementationOnce(async (...given) => {
      await promise;
      return send(...given);
    });
    const starting = node.start();
    expect(await worked.promise).toMatchObject({ duplicate: false });
    resolve();
    await starting;
    slow.mockRestore();
    warn.mockRestore();
    await settle(queue);
    expect((await queue.history()).map(({ type }) => type).toSorted()).toEqual([
      "ORDER_FAILED",
      "ORDER_PAID",
      "ORDER_PLACED",
      "ORDER_PLACED",
      "ORDER_PLACED",
    ]);
  });

  it("a publish waits for a start that was asked for, though the stop before it still tells the queue", async () => {
    const queue = openLog();
    const warn = spyOnWarnings();
    const node = await startNode({ queue });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const remove = vi.spyOn(queue.groups, "remove").mockReturnValueOnce(promise);
    expect(await node.stop({ timeoutMs: 0 })).toMatchObject({ drained: false });
    const starting = node.start();
    await node.bus.publish("order.placed", order);
    expect(node.stats()).toMatchObject({ spooled: 1, dropped: { "not-running": 0 } });
    resolve(true);
    await starting;
    remove.mockRestore();
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    expect(await queue.history()).toMatchObject([{ payload: order }]);
  });

  it("what handlers publish until their end is stored", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const { promise, resolve } = Promise.withResolvers<void>();
    node.bus.subscribe("order.placed", async ({ payload }) => {
      await promise;
      await node.bus.publish("order.paid", { id: payload.id });
      await node.publish("order.failed", { id: payload.id });
    });
    const publish = node.bus.publish("order.placed", order);
    await settleTurns();
    const stopped = node.stop();
    await settleTurns();
    resolve();
    expect(await stopped).toEqual({ drained: true, left: 0 });
    expect((await publish).errors).toEqual([]);
    expect((await queue.history()).map(({ type }) => type)).toEqual([
      "ORDER_PLACED",
      "ORDER_PAID",
      "ORDER_FAILED",
    ]);
  });

  it("a start after a close that nobody awaited rejects, and nothing runs on", async () => {
    const queue = openLog();
    const node = makeNode({ queue, node: "shop-1" });
    const worked = vi.fn();
    node.handle("order.placed", { group: "mailer" }, worked);
    await node.start();
    const closing = node.close();
    await expect(node.start()).rejects.toMatchObject({ code: "COORDINATOR_CLOSED" });
    expect(await closing).toEqual({ drained: true, left: 0 });
    await queue.send("ORDER_PLACED", order);
    await settleTurns();
    expect(worked).not.toHaveBeenCalled();
    expect(node.running).toBe(false);
    expect((await queue.groups.list()).map(({ claimedBy }) => claimedBy)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe("after a stop", () => {
  it("a publish stays here, counted, and is warned of once", async () => {
    const onError = vi.fn();
    const node = await startNode({ queue: openLog(), onError });
    await node.stop();
    const warn = spyOnWarnings();
    for (const each of numbered(3)) {
      const { errors } = await node.bus.publish("order.placed", each);
      expect(errors).toMatchObject([{ cause: { code: "NOT_STORED" } }]);
    }
    node.bus.publishSync("order.placed", order);
    expect(warn.mock.calls).toMatchObject([[expect.any(String), { code: "RINGRIFT_NOT_RUNNING" }]]);
    warn.mockRestore();
    expect(node.stats().dropped).toMatchObject({ "not-running": 4, error: 0 });
    await node.start();
    await node.flush();
    expect(await node.queue.history()).toEqual([]);
    expect(onError).not.toHaveBeenCalled();
  });
});

describe("any number of handlers may await", () => {
  it.each([
    ["stop", "of others' events"],
    ["close", "of others' events"],
    ["stop", "of events published on the bus"],
    ["close", "of events published durably"],
    ["close", "of work"],
    ["stop", "of events that another handler published"],
  ] as const)("%s: handlers %s", async (call, whose) => {
    const queue = openLog();
    const node = makeNode({ queue, ...(call === "close" && { bus: undefined }) });
    const bothInside = Promise.withResolvers<void>();
    const results: unknown[] = [];
    let inside = 0;
    const handler = async (): Promise<void> => {
      inside += 1;
      if (inside === 2) bothInside.resolve();
      await bothInside.promise;
      results.push(await node[call]());
    };
    if (whose === "of work") {
      node.handle("order.placed", { group: "mailer", concurrency: 2 }, handler);
    } else if (whose === "of events that another handler published") {
      node.bus.subscribe("order.paid", handler);
      node.bus.subscribe("order.placed", async ({ payload }) => {
        await node.publish("order.paid", { id: payload.id });
      });
    } else {
      node.bus.subscribe("order.placed", handler);
    }
    await node.start();
    for (const each of numbered(2)) {
      if (whose === "of events published on the bus") void node.bus.publish("order.placed", each);
      else if (whose === "of events published durably") void node.publish("order.placed", each);
      else await queue.send("ORDER_PLACED", each);
    }
    await bothInside.promise;
    // From outside, too.
    results.push(await node[call]());
    await vi.waitFor(() => expect(results).toHaveLength(3));
    expect(results).toEqual([1, 2, 3].map(() => ({ drained: true, left: 0 })));
  });
});

describe("while its buses are being closed", () => {
  it.each(["stop", "close"] as const)("a handler may await %s", async (call) => {
    const queue = openLog();
    const node = makeNode({ queue });
    const [asks, result] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
    node.bus.subscribe("cart.changed", async () => {
      await asks.promise;
      result.resolve(await node[call]());
    });
    void node.bus.publish("cart.changed", { id: "A-1" });
    // It was never started, so that nothing but its own bus waits for the handler.
    const closing = node.close();
    await settleTurns();
    asks.resolve();
    expect(await result.promise).toEqual({ drained: true, left: 0 });
    expect(await closing).toEqual({ drained: true, left: 0 });
  });
});

describe("left counts each once", () => {
  it.each([
    ["published durably", (node: Node) => node.publish("order.placed", order)],
    ["published on the bus", (node: Node) => node.bus.publish("order.placed", order)],
    ["from elsewhere", (node: Node) => node.queue.send("ORDER_PLACED", order)],
  ])("whose handler hangs: an event %s", async (_, publish) => {
    const node = await startNode({ queue: openLog(), onError: () => undefined });
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    node.bus.subscribe("order.placed", () => {
      resolve();
      return new Promise(() => undefined);
    });
    void publish(node);
    await begun;
    // Until it has come back from the queue as well.
    await settleTurns();
    expect(await node.close({ timeoutMs: 50 })).toEqual({ drained: false, left: 1 });
  });

  it("which is not stored and whose handler hangs, next to work that hangs", async () => {
    const queue = openLog();
    const node = makeNode({ queue, onError: () => undefined });
    const never = (): Promise<void> => new Promise(() => undefined);
    node.handle("order.paid", { group: "mailer" }, never);
    node.bus.subscribe("order.placed", never);
    await node.start();
    await queue.send("ORDER_PAID", { id: "A-1" });
    await settleTurns();
    const warn = spyOnWarnings();
    vi.spyOn(queue, "send").mockRejectedValue(new QueueError("QUEUE_BUSY", "Busy."));
    void node.bus.publish("order.placed", order);
    await settleTurns();
    expect(await node.stop({ timeoutMs: 50 })).toEqual({ drained: false, left: 2 });
    vi.restoreAllMocks();
    warn.mockRestore();
  });
});

type Node = Awaited<ReturnType<typeof startNode>>;

/** Long enough for what is under way in memory. */
async function settleTurns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
}
