import { createEventBus } from "@ringrift/core-bus";
import { MemoryEventQueue, MemoryLog, QueueError } from "@ringrift/event-queue";
import { BackedQueue } from "@ringrift/event-queue/backend";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openQueue } from "./bridge-lab.ts";
import { makeNode, openLog, settle, type Shop, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };

describe("a handler that awaits the close of its own coordinator", () => {
  it("isn't waited for when the event came from elsewhere", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const closed = closedBy((handler) => node.bus.subscribe("order.placed", handler), node);
    await queue.send("ORDER_PLACED", order);
    expect(await closed).toEqual({ drained: true, left: 0 });
  });

  it("isn't waited for when the event was published on its own bus", async () => {
    const node = await startNode({ queue: openLog() });
    const closed = closedBy((handler) => node.bus.subscribe("order.placed", handler), node);
    void node.bus.publish("order.placed", order);
    expect(await closed).toEqual({ drained: true, left: 0 });
  });

  it("isn't waited for when the event was published durably", async () => {
    const node = await startNode({ queue: openLog() });
    const closed = closedBy((handler) => node.bus.subscribe("order.placed", handler), node);
    void node.publish("order.placed", order);
    expect(await closed).toEqual({ drained: true, left: 0 });
  });

  it("isn't waited for when it does work", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const closed = closedBy(
      (handler) => node.handle("order.placed", { group: "mailer" }, handler),
      node,
    );
    await node.start();
    await queue.send("ORDER_PLACED", order);
    expect(await closed).toEqual({ drained: true, left: 0 });
  });
});

describe("a stop", () => {
  it("is cut short by a close with a limit, and both say what was left", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const started = Promise.withResolvers<void>();
    node.handle("order.placed", { group: "mailer" }, () => {
      started.resolve();
      return new Promise(() => undefined);
    });
    await node.start();
    await queue.send("ORDER_PLACED", order);
    await started.promise;
    const patient = node.stop();
    expect(await node.close({ timeoutMs: 20 })).toEqual({ drained: false, left: 1 });
    expect(await patient).toEqual({ drained: false, left: 1 });
  });

  it("that was cut short doesn't shut the next start when the queue answers at last", async () => {
    const log = new MemoryLog();
    const [queue, others] = [openQueue({ log }), openQueue({ log })];
    const link = delaying(queue);
    const node = await startNode({ queue });
    const asked = link.holdNext();
    await others.send("ORDER_PAID", { id: "A-1" });
    await asked;
    expect(await node.stop({ timeoutMs: 0 })).toEqual({ drained: true, left: 0 });
    await node.start();
    link.letGo();
    await settle(queue);
    expect((await node.bus.publish("order.placed", order)).errors).toEqual([]);
    expect(await queue.history({ eventTypes: ["ORDER_PLACED"] })).toMatchObject([
      { payload: order },
    ]);
  });

  it("leaves nothing behind that tries to store a late event", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const send = Promise.withResolvers<never>();
    const slow = vi.spyOn(queue, "send").mockReturnValue(send.promise);
    const publish = node.bus.publish("order.placed", order);
    await node.stop({ timeoutMs: 20 });
    send.reject(new QueueError("QUEUE_BUSY", "Another process holds the lock."));
    expect((await publish).errors[0]?.cause).toMatchObject({ code: "NOT_STORED" });
    expect(node.stats()).toMatchObject({ spooled: 0, dropped: { error: 1 } });
    vi.restoreAllMocks();
    expect(slow).toHaveBeenCalledTimes(1);
  });
});

describe("a close with a limit is bounded by it", () => {
  const never = (): Promise<void> => new Promise(() => undefined);

  it.each([
    ["a handler of its bus", (node: Shop) => node.bus.subscribe("cart.changed", never)],
    ["a handler of its stage bus", (node: Shop) => node.stages.subscribe("pay_complete", never)],
    [
      "a consumer that somebody started on its queue",
      (node: Shop) => node.queue.consume({ group: "mine", eventTypes: ["ORDER_PLACED"] }, never),
    ],
  ])("whatever never ends: %s", async (_, occupy) => {
    const node = await startNode();
    occupy(node);
    void node.bus.publish("cart.changed", { id: "c" });
    void node.stages.emit({ stage: "pay_complete", success: true, id: "A-1" });
    await node.publish("order.placed", order);
    await vi.waitFor(async () => {
      const busy = node.bus.stats().pending + node.stages.bus.stats().pending;
      const mine = (await node.queue.groups.list()).find(({ name }) => name === "mine");
      expect(busy + (mine?.inFlight ?? 0)).toBeGreaterThan(0);
    });
    expect(await node.close({ timeoutMs: 50 })).toEqual({ drained: false, left: 1 });
  });

  it("also when the start before it never ends, or the queue doesn't answer", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    vi.spyOn(queue.groups, "remove").mockReturnValue(new Promise(() => undefined));
    expect(await node.close({ timeoutMs: 20 })).toEqual({ drained: false, left: 1 });
    const starting = makeNode({ queue, node: "shop-1" });
    vi.spyOn(queue.groups, "claim").mockReturnValue(new Promise(() => undefined));
    void starting.start();
    expect(await starting.close({ timeoutMs: 20 })).toEqual({ drained: false, left: 1 });
    vi.restoreAllMocks();
  });
});

describe("a stop that can't tell the queue", () => {
  it("resolves and reports it, and the node can start again", async () => {
    const queue = openLog();
    const onError = vi.fn();
    const node = await startNode({ queue, onError });
    const busy = new QueueError("QUEUE_BUSY", "Another process holds the lock.");
    vi.spyOn(queue.groups, "remove").mockRejectedValueOnce(busy);
    expect(await node.stop()).toEqual({ drained: true, left: 0 });
    expect(onError.mock.calls).toEqual([[busy]]);
    await node.start();
    expect(node.running).toBe(true);
    vi.restoreAllMocks();
  });
});

describe("a node whose name is being renewed as it stops", () => {
  it("gives it back after that, so that the next one gets it", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const queue = openLog();
    const { promise, resolve } = Promise.withResolvers<void>();
    const claim = queue.groups.claim.bind(queue.groups);
    vi.spyOn(queue.groups, "claim").mockImplementationOnce(async (name, options) => {
      const held = await claim(name, options);
      return { ...held, renew: () => promise.then(held.renew) };
    });
    const node = await startNode({ queue, node: "shop-1" });
    await vi.advanceTimersByTimeAsync(4_000);
    const stopped = node.stop();
    await nextTurn();
    resolve();
    await Promise.all([stopped, nextTurn()]);
    const [group] = await queue.groups.list();
    expect(group).toMatchObject({ name: "shop-1", claimedBy: undefined });
    vi.restoreAllMocks();
  });
});

describe("an onError that fails itself", () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("no pager");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no pager"))],
  ])("and %s is a warning, with what it was told", async (_, onError) => {
    const queue = openLog();
    const node = await startNode({ queue, onError });
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    vi.spyOn(queue.groups, "remove").mockRejectedValueOnce(new QueueError("QUEUE_BUSY", "Busy."));
    expect(await node.stop()).toEqual({ drained: true, left: 0 });
    await vi.waitFor(() => expect(warn).toHaveBeenCalledTimes(2));
    const told = warn.mock.calls.map(([text]) => String(text)).join();
    vi.restoreAllMocks();
    expect(told).toMatch(/Busy.*onError itself failed/s);
  });
});

describe("a node that lost its name to another one", () => {
  it("says so and reads no more of what is the other one's now", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    let now = Date.now();
    const queue = new MemoryEventQueue({ now: () => now });
    onTestFinished(() => queue.close());
    const onError = vi.fn();
    const first = await startNode({ queue, node: "shop-1", onError });
    const second = makeNode({ queue, node: "shop-1", onError });
    // It was away for longer than its claim lasts, and another process took the name.
    now += 11_000;
    await second.start();
    const heard = [first, second].map((node) => {
      const handler = vi.fn();
      node.bus.subscribe("order.placed", handler);
      return handler;
    });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(onError.mock.calls).toMatchObject([[{ code: "NODE_NAME_TAKEN" }]]);
    for (let count = 0; count < 20; count += 1) await queue.send("ORDER_PLACED", order);
    await settle(queue);
    expect(heard.map((handler) => handler.mock.calls.length)).toEqual([0, 20]);
    expect((await first.health()).problems).toMatchObject([
      {
        code: "INCOMING_BLOCKED",
        message: expect.stringContaining('another process has the name "shop-1" now'),
      },
    ]);
  });
});

describe("an error of the queue in the background", () => {
  it("goes to onError: a late handler that requires another policy than its group's", async () => {
    const queue = openLog();
    await queue.group("mailer", { eventTypes: ["ORDER_PLACED"], maxAttempts: 2 }).ensure();
    const reported = Promise.withResolvers<unknown>();
    const node = await startNode({ queue, onError: reported.resolve });
    const options = { group: "mailer", maxAttempts: 7, policy: "require" } as const;
    node.handle("order.placed", options, () => undefined);
    expect(await reported.promise).toMatchObject({ code: "GROUP_CONFIG_MISMATCH" });
    const { ok, problems } = await node.health();
    expect(ok).toBe(false);
    expect(problems).toMatchObject([{ code: "WORK_STOPPED", subject: "mailer" }]);
  });

  it("that the bus was closed first ends the reading, and loses no event of a named node", async () => {
    const queue = openLog();
    const bus = createEventBus();
    const reported = Promise.withResolvers<unknown>();
    const node = await startNode({ queue, bus, node: "shop-1", onError: reported.resolve });
    await bus.close();
    const sent = await queue.send("ORDER_PLACED", order);
    expect(await reported.promise).toMatchObject({ code: "BUS_CLOSED" });
    expect((await node.health()).problems).toMatchObject([{ code: "INCOMING_BLOCKED" }]);
    await node.close();
    const next = makeNode({ queue, node: "shop-1" });
    const heard = next.bus.waitFor("order.placed");
    await next.start();
    expect((await heard).id).toBe(sent.id);
  });
});

/** What the close says that a handler awaits. */
function closedBy(
  register: (handler: () => Promise<void>) => unknown,
  node: { close(): Promise<unknown> },
): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  register(async () => {
    // The echo of an own event is under way by then.
    await new Promise((wait) => setTimeout(wait, 20));
    resolve(await node.close());
  });
  return promise;
}

/** Can hold up the next answer of a queue, and no later one. */
function delaying(queue: MemoryEventQueue): { holdNext(): Promise<void>; letGo(): void } {
  const arrived = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  let isNext = false;
  BackedQueue.instanceOf(queue)?.intercept({
    call: async (run) => {
      const answer = await run();
      if (!isNext) return answer;
      isNext = false;
      arrived.resolve();
      await held.promise;
      return answer;
    },
    ring: (deliver) => deliver(),
  });
  return {
    holdNext: () => {
      isNext = true;
      return arrived.promise;
    },
    letGo: () => held.resolve(),
  };
}
