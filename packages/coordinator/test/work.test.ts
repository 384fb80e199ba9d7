import { PermanentError } from "@ringrift/event-queue";
import { describe, expect, it, vi } from "vitest";
import { makeNode, openLog, settle, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };
const soon = { initialMs: 1, maxMs: 5 };

describe("work", () => {
  it("is done once a group, by whichever node is free", async () => {
    const queue = openLog();
    const done: string[] = [];
    for (const group of ["mailer", "mailer", "ledger"]) {
      const node = makeNode({ queue });
      node.handle("order.placed", { group }, (event) => {
        done.push(`${group} ${event.payload.id}`);
      });
      await node.start();
    }
    const ids = Array.from({ length: 20 }, (_, index) => String(index));
    await queue.sendMany(ids.map((id) => ({ type: "ORDER_PLACED", payload: { id, cents: 1 } })));
    await settle(queue);
    expect(done.toSorted()).toEqual(
      ids.flatMap((id) => [`ledger ${id}`, `mailer ${id}`]).toSorted(),
    );
  });

  it("gets the event under its topic, with what its delivery knows", async () => {
    const node = makeNode();
    const got = vi.fn();
    node.handle("order.placed", { group: "mailer" }, (event, context) => {
      got(event, context.attempt);
    });
    await node.start();
    const { id, position } = await node.publish("order.placed", order, {
      metadata: { shelf: 3 },
      key: "A",
    });
    await vi.waitFor(() => expect(got).toHaveBeenCalled());
    expect(got).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        id,
        position,
        topic: "order.placed",
        payload: order,
        metadata: { shelf: 3 },
        key: "A",
        attempt: 1,
        redelivered: false,
      }),
      1,
    );
  });

  it("that fails is tried again, and becomes a dead letter after maxAttempts, counted", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const attempts: number[] = [];
    node.handle("order.placed", { group: "mailer", maxAttempts: 3, backoff: soon }, (event) => {
      attempts.push(event.attempt);
      throw new Error("no mail today");
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().deadLetters).toBe(1));
    expect(attempts).toEqual([1, 2, 3]);
    expect(await queue.deadLetters.list()).toMatchObject([
      { group: "mailer", type: "ORDER_PLACED", attempts: 3, error: { message: "no mail today" } },
    ]);
  });

  it("that is pointless to repeat is set aside at once", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const work = vi.fn(() => {
      throw new PermanentError("no such customer");
    });
    node.handle("order.placed", { group: "mailer" }, work);
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(async () => expect(await queue.deadLetters.list()).toHaveLength(1));
    expect(work).toHaveBeenCalledTimes(1);
  });

  it("may publish durably: a retry doesn't multiply its children", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const heard = vi.fn();
    node.bus.subscribe("order.paid", heard);
    node.handle("order.placed", { group: "cashier", backoff: soon }, async (event) => {
      await node.publish("order.paid", { id: event.payload.id });
      if (event.attempt === 1) throw new Error("crashed after the publish");
    });
    await node.start();
    const placed = await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    await settle(queue);
    const children = await queue.history({ eventTypes: ["ORDER_PAID"] });
    expect(children).toHaveLength(1);
    expect(children[0]).toMatchObject({ causationId: placed.id });
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("may publish on the bus as well: neither the log nor this bus gets the child twice", async () => {
    const queue = openLog();
    const [node, other] = [makeNode({ queue }), await startNode({ queue })];
    const remote = vi.fn();
    other.bus.subscribe("order.paid", remote);
    node.handle("order.placed", { group: "cashier", backoff: soon }, async (event) => {
      await node.bus.publish("order.paid", { id: event.payload.id });
      if (event.attempt === 1) throw new Error("crashed after the publish");
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    await settle(queue);
    expect(await queue.history({ eventTypes: ["ORDER_PAID"] })).toHaveLength(1);
    expect(remote).toHaveBeenCalledTimes(1);
  });

  it("of one group may span topics, when they are registered together", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const done: string[] = [];
    node.handle("order.placed", { group: "audit" }, (event) => {
      done.push(event.topic);
    });
    node.handle(["order.paid", "order.failed"], { group: "audit" }, (event) => {
      done.push(event.topic);
    });
    await node.start();
    await node.publish("order.placed", order);
    await node.publish("order.paid", { id: "A-1" });
    await node.publish("order.failed", { id: "A-2" });
    await vi.waitFor(() => expect(done).toEqual(["order.placed", "order.paid", "order.failed"]));
    expect((await queue.groups.list()).find((group) => group.name === "audit")?.eventTypes).toEqual(
      expect.arrayContaining(["ORDER_PLACED", "ORDER_PAID", "ORDER_FAILED"]),
    );
  });

  it("can be added to a running node, in a group of its own", async () => {
    const node = await startNode();
    const work = vi.fn();
    node.handle("order.placed", { group: "mailer" }, work);
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(work).toHaveBeenCalledTimes(1));
    expect(() => node.handle("order.paid", { group: "mailer" }, work)).toThrow(
      expect.objectContaining({ code: "HANDLE_CONFLICT" }),
    );
  });

  it.each([
    ["a topic nobody defined", "order.lost", { group: "x" }, "UNKNOWN_TOPIC"],
    ["another bus's spelling", "ORDER_PLACED", { group: "x" }, "UNKNOWN_TOPIC"],
    ["a local topic", "cart.changed", { group: "x" }, "LOCAL_TOPIC"],
    ["no group", "order.placed", {}, "INVALID_OPTION"],
    ["no topic", [], { group: "x" }, "INVALID_OPTION"],
    ["no attempt", "order.placed", { group: "x", maxAttempts: 0 }, "INVALID_OPTION"],
    ["nothing at once", "order.placed", { group: "x", concurrency: 0 }, "INVALID_OPTION"],
    ["a malformed group", "order.placed", { group: "a b" }, "INVALID_OPTION"],
  ])("is refused for %s", (_, topic, options, code) => {
    const node = makeNode();
    expect(() =>
      node.handle(topic as "order.placed", options as { group: string }, vi.fn()),
    ).toThrow(expect.objectContaining({ code }));
  });

  it("is refused with what to write instead", () => {
    const node = makeNode();
    const refusals: readonly (readonly [topic: string, options: object, message: string])[] = [
      ["order.plcaed", { group: "x" }, 'Did you mean "order.placed"?'],
      ["order.*", { group: "x" }, 'handle(["order.placed", "order.paid", "order.failed"], …)'],
      ["order.placed", { group: "x", maxAttemps: 3 }, 'Did you mean "maxAttempts"?'],
    ];
    for (const [topic, options, message] of refusals) {
      expect(() => {
        node.handle(topic as "order.placed", options as { group: string }, vi.fn());
      }).toThrow(message);
    }
    // @ts-expect-error no handler
    expect(() => node.handle("order.placed", { group: "x" })).toThrow(/Give a function/);
    expect(node.handle("order.placed", { group: "x" }, vi.fn())).toBeUndefined();
  });

  it("that requires a policy which isn't the stored one makes start reject, and nothing runs", async () => {
    const queue = openLog();
    await queue.group("mailer", { maxAttempts: 7 }).ensure();
    const node = makeNode({ queue });
    const options = { group: "mailer", maxAttempts: 2, policy: "require" } as const;
    node.handle("order.placed", options, vi.fn());
    await expect(node.start()).rejects.toMatchObject({ code: "GROUP_CONFIG_MISMATCH" });
    expect(node.running).toBe(false);
  });

  it("follows the code: another release may handle other topics, and state other values", async () => {
    const queue = openLog();
    const worked: string[] = [];
    const first = makeNode({ queue });
    first.handle("order.placed", { group: "mailer", maxAttempts: 3 }, () => {
      worked.push("placed by the first");
    });
    await first.start();
    await first.publish("order.placed", order);
    await vi.waitFor(() => expect(worked).toHaveLength(1));
    await first.stop();
    const second = makeNode({ queue });
    second.handle(["order.placed", "order.paid"], { group: "mailer", maxAttempts: 5 }, (event) => {
      worked.push(event.topic);
    });
    await second.start();
    await second.publish("order.paid", { id: "A-1" });
    await vi.waitFor(() => expect(worked).toEqual(["placed by the first", "order.paid"]));
    await settle(queue);
    expect(await queue.groups.list()).toContainEqual(
      expect.objectContaining({ name: "mailer", maxAttempts: 5, pending: 0 }),
    );
  });

  it("of a new group has to say where that begins, if there are events for it", async () => {
    const queue = openLog();
    await queue.send("ORDER_PLACED", { id: "A-1" });
    await queue.send("ORDER_PLACED", { id: "A-2" });
    const node = makeNode({ queue });
    node.handle("order.placed", { group: "mailer" }, vi.fn());
    await expect(node.start()).rejects.toMatchObject({
      code: "GROUP_START_UNSTATED",
      message: expect.stringContaining("holds 2 events"),
    });
    expect(node.running).toBe(false);
    const work = vi.fn();
    const stating = makeNode({ queue });
    stating.handle("order.placed", { group: "mailer", from: "beginning" }, work);
    await stating.start();
    await vi.waitFor(() => expect(work).toHaveBeenCalledTimes(2));
  });

  it("of a group that is removed ends, and health says so", async () => {
    const queue = openLog();
    const reported = Promise.withResolvers<unknown>();
    const node = makeNode({ queue, onError: reported.resolve });
    node.handle("order.placed", { group: "mailer" }, vi.fn());
    await node.start();
    await vi.waitFor(async () =>
      expect(await queue.groups.list()).toContainEqual(expect.objectContaining({ name: "mailer" })),
    );
    await queue.groups.remove("mailer");
    expect(await reported.promise).toMatchObject({ code: "GROUP_REMOVED" });
    expect((await node.health()).problems).toMatchObject([
      { code: "WORK_STOPPED", subject: "mailer" },
    ]);
  });

  it("never shares a group with a node, which would read its events away", async () => {
    const queue = openLog();
    const worker = makeNode({ queue, node: "sync-1" });
    expect(() => worker.handle("order.placed", { group: "sync-1" }, vi.fn())).toThrow(
      /is this node's own name/,
    );
    worker.handle("order.placed", { group: "sync" }, vi.fn());
    await worker.start();
    await expect(makeNode({ queue, node: "sync" }).start()).rejects.toThrow(
      /is the name of a work group \(of ORDER_PLACED\)/,
    );
  });

  it("of one group has one set of options and one handler a topic", () => {
    const node = makeNode();
    node.handle("order.placed", { group: "mailer" }, vi.fn());
    expect(() => node.handle("order.placed", { group: "mailer" }, vi.fn())).toThrow(
      /handles "order.placed" already/,
    );
    expect(() => node.handle("order.paid", { group: "mailer", maxAttempts: 2 }, vi.fn())).toThrow(
      /another "maxAttempts"/,
    );
  });
});
