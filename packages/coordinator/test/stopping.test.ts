import { QueueError } from "@ringrift/event-queue";
import { describe, expect, it, vi } from "vitest";
import { makeNode, openLog, startNode } from "./nodes.ts";

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

describe("an error of the queue in the background", () => {
  it("goes to onError: a late handler whose group is another one's", async () => {
    const queue = openLog();
    await queue.group("mailer", { eventTypes: ["ORDER_PLACED"], maxAttempts: 2 }).ensure();
    const reported = Promise.withResolvers<unknown>();
    const node = await startNode({ queue, onError: reported.resolve });
    node.handle("order.placed", { group: "mailer", maxAttempts: 7 }, () => undefined);
    expect(await reported.promise).toMatchObject({ code: "GROUP_CONFIG_MISMATCH" });
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
