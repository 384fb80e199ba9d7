import { isDerivedId, runDetached } from "@ringrift/envelope";
import { MemoryEventQueue, MemoryLog, QueueError } from "@ringrift/event-queue";
import { injectFaults } from "@ringrift/event-queue/testing";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { makeNode, openLog, settle, type Shop, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };
const soon = { initialMs: 1, maxMs: 5 };
const paid = { id: "A-1" };

/** Every way to publish `order.paid`. */
const WAYS = {
  "bus.publish": (node) => node.bus.publish("order.paid", paid),
  "bus.publishSync": async (node) => {
    node.bus.publishSync("order.paid", paid);
    await node.flush();
  },
  publish: (node) => node.publish("order.paid", paid),
  "an emitter": (node) => node.emitters.orderPaid(paid),
  "queue.send": (node) => node.queue.send("ORDER_PAID", paid),
  "queue.sendMany": (node) => node.queue.sendMany([{ type: "ORDER_PAID", payload: paid }]),
  "stages.emit": (node) => node.stages.emit({ stage: "pay_complete", success: true, id: "A-1" }),
} satisfies Record<string, (node: Shop) => Promise<unknown>>;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];
/** A stage's result isn't the event of a topic, so these are the same as one another. */
const topical = ways.filter((way) => way !== "stages.emit");

describe("what a work handler publishes", () => {
  it.each(ways)(
    "with %s is one event at all attempts: in the log, and on each node's bus",
    async (way) => {
      const queue = openLog();
      const [node, other] = [makeNode({ queue }), await startNode({ queue })];
      const [here, there] = [vi.fn(), vi.fn()];
      node.bus.subscribe("order.paid", (event) => here(event.id));
      other.bus.subscribe("order.paid", (event) => there(event.id));
      node.handle("order.placed", { group: "cashier", backoff: soon }, async (event) => {
        await WAYS[way](node);
        if (event.attempt < 3) throw new Error("crashed after the publish");
      });
      await node.start();
      const { id } = await node.publish("order.placed", order);
      await vi.waitFor(() => expect(node.stats().handled).toBe(1));
      await settle(queue);
      const children = await queue.history({ eventTypes: ["ORDER_PAID"] });
      expect(children).toHaveLength(1);
      expect(children[0]).toMatchObject({ causationId: id, depth: 1 });
      expect(here).toHaveBeenCalledExactlyOnceWith(children[0]?.id);
      expect(there).toHaveBeenCalledExactlyOnceWith(children[0]?.id);
    },
  );

  it.each(
    topical.map((way, index) => [way, topical[(index + 1) % topical.length] as Way] as const),
  )("with %s and at the next attempt with %s is the same event", async (first, second) => {
    const queue = openLog();
    const node = makeNode({ queue });
    const heard = vi.fn();
    node.bus.subscribe("order.paid", heard);
    node.handle("order.placed", { group: "cashier", backoff: soon }, async ({ attempt }) => {
      await WAYS[attempt === 1 ? first : second](node);
      if (attempt === 1) throw new Error("crashed after the publish");
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    await settle(queue);
    expect(await queue.history({ eventTypes: ["ORDER_PAID"] })).toHaveLength(1);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("is lost by no retry that takes another path", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const done = new Set<string>();
    node.handle("order.placed", { group: "mailer", backoff: soon }, async ({ id, attempt }) => {
      // Once by id, as a guard of the effect would have it.
      if (!done.has(id)) await node.publish("order.paid", { id: "customer" });
      done.add(id);
      if (attempt === 1) throw new Error("crashed between the two");
      expect(await node.publish("order.paid", { id: "warehouse" })).toMatchObject({
        duplicate: false,
      });
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    const mails = await queue.history({ eventTypes: ["ORDER_PAID"] });
    expect(mails.map(({ payload }) => payload.id)).toEqual(["customer", "warehouse"]);
  });

  it("comes to its bus once, though a retry lost the answer before the queue brought it", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    const gate = Promise.withResolvers<void>();
    node.bus.subscribe("order.failed", () => gate.promise);
    const heard = vi.fn();
    node.bus.subscribe("order.paid", heard);
    node.handle("order.placed", { group: "cashier", backoff: soon }, async ({ attempt }) => {
      if (attempt === 2) injectFaults(queue).loseNextAnswer();
      // It waits for its turn behind the other event of its key.
      await node.publish("order.paid", paid, { key: "A-1" }).catch(() => {});
      if (attempt === 1) throw new Error("crashed after the publish");
    });
    await node.start();
    await queue.send("ORDER_FAILED", { id: "A-1" }, { key: "A-1" });
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    gate.resolve();
    await settle(queue);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("comes to a bus once that had it from another process, though the answer to its ack was lost", async () => {
    const log = new MemoryLog();
    const [others, queue] = [new MemoryEventQueue({ log }), new MemoryEventQueue({ log })];
    onTestFinished(async () => {
      await Promise.all([queue.close(), others.close()]);
    });
    const node = await startNode({ queue });
    const faults = injectFaults(queue);
    const heard = vi.fn(() => faults.loseNextAnswer());
    node.bus.subscribe("order.paid", heard);
    const group = { group: "cashier", from: "beginning", backoff: soon } as const;
    const first = others.consume({ ...group, eventTypes: ["ORDER_PLACED"] }, async () => {
      await others.send("ORDER_PAID", paid);
      void first.stop();
      throw new Error("crashed after the publish");
    });
    await others.send("ORDER_PLACED", order);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1));
    await first.ended;
    // Until the node has seen that its ack failed.
    await sleep(50);
    const published = Promise.withResolvers<unknown>();
    queue.consume({ ...group, eventTypes: ["ORDER_PLACED"] }, async () => {
      published.resolve(await node.bus.publish("order.paid", paid));
    });
    expect(await published.promise).toMatchObject({ dropped: "duplicate" });
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("comes to its bus once, though another process stored it and a clean stop came before the queue brought it", async () => {
    const log = new MemoryLog();
    const [others, queue] = [new MemoryEventQueue({ log }), new MemoryEventQueue({ log })];
    onTestFinished(async () => {
      await Promise.all([queue.close(), others.close()]);
    });
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const node = makeNode({ queue, node: "till" });
    const heard = vi.fn();
    node.bus.subscribe("order.paid", heard);
    const group = { group: "cashier", from: "beginning", backoff: soon } as const;
    const busy = new QueueError("QUEUE_BUSY", "Another process holds the lock.");
    const send = vi.spyOn(queue, "send").mockRejectedValue(busy);
    const first = queue.consume({ ...group, eventTypes: ["ORDER_PLACED"] }, async () => {
      await node.bus.publish("order.paid", paid);
      void first.stop();
      throw new Error("crashed before it was stored");
    });
    await node.start();
    await others.send("ORDER_PLACED", order);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1));
    const second = Promise.withResolvers<void>();
    others.consume({ ...group, eventTypes: ["ORDER_PLACED"] }, async () => {
      await others.send("ORDER_PAID", paid);
      second.resolve();
    });
    await second.promise;
    // The queue is there again when the stop has begun, which takes nothing new from it.
    const stopping = node.stop();
    send.mockRestore();
    expect(await stopping).toEqual({ drained: true, left: 0 });
    warn.mockRestore();
    const next = makeNode({ queue, node: "till" });
    next.bus.subscribe("order.paid", heard);
    await next.start();
    await settle(queue);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("says what became of it: the first one wins, and the others are its duplicates", async () => {
    const node = makeNode();
    const results: unknown[] = [];
    node.handle("order.placed", { group: "cashier", backoff: soon }, async ({ attempt }) => {
      const { dropped, event } = await node.bus.publish("order.paid", paid);
      const { duplicate, id } = await node.publish("order.paid", paid);
      results.push([dropped, event.id, duplicate, id]);
      if (attempt === 1) throw new Error("crashed after both");
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    const [one, two] = (await node.queue.history({ eventTypes: ["ORDER_PAID"] })).map(
      ({ id }) => id,
    );
    expect(results).toEqual([
      [undefined, one, false, two],
      ["duplicate", one, true, two],
    ]);
  });

  it("is new when it is detached, when the handler has settled, and when its payload isn't JSON", async () => {
    const node = makeNode();
    const ids: string[] = [];
    node.bus.subscribe("cart.changed", (event) => ids.push(event.id));
    const late: Promise<unknown>[] = [];
    node.handle("order.placed", { group: "cashier" }, async () => {
      await node.bus.publish("cart.changed", { id: "child" });
      await node.bus.publish("cart.changed", { id: new Date() as unknown as string });
      await runDetached(() => node.bus.publish("cart.changed", { id: "detached" }));
      late.push(sleep(20).then(() => node.bus.publish("cart.changed", { id: "late" })));
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    await Promise.all(late);
    expect(ids.map(isDerivedId)).toEqual([true, false, false, false]);
  });

  it("has children of its own on the bus, which a retry doesn't repeat", async () => {
    const queue = openLog();
    const node = makeNode({ queue });
    node.bus.subscribe("order.paid", async () => {
      await node.publish("order.failed", { id: "grandchild" });
    });
    node.handle("order.placed", { group: "cashier", backoff: soon }, async ({ attempt }) => {
      await node.publish("order.paid", paid);
      if (attempt === 1) throw new Error("crashed after the publish");
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    await settle(queue);
    const [child] = await queue.history({ eventTypes: ["ORDER_PAID"] });
    const grandchildren = await queue.history({ eventTypes: ["ORDER_FAILED"] });
    expect(grandchildren).toMatchObject([{ causationId: child?.id, depth: 2 }]);
  });

  it("with dedupeChildren: false is new at each attempt", async () => {
    const node = makeNode();
    const options = { group: "cashier", backoff: soon, dedupeChildren: false };
    node.handle("order.placed", options, async ({ attempt }) => {
      await node.bus.publish("order.paid", paid);
      if (attempt === 1) throw new Error("crashed after the publish");
    });
    await node.start();
    await node.publish("order.placed", order);
    await vi.waitFor(() => expect(node.stats().handled).toBe(1));
    expect(await node.queue.history({ eventTypes: ["ORDER_PAID"] })).toHaveLength(2);
  });
});

describe("an event that a bridge carries", () => {
  it("is nobody's child: a node that gets it while two coordinators share a bus stores it no second time", async () => {
    const queue = openLog();
    const sender = await startNode({ queue });
    const one = await startNode({ queue, node: "n1" });
    await startNode({ queue, node: "n2", bus: one.bus });
    const worked = vi.fn();
    sender.handle("order.placed", { group: "work" }, worked);
    for (let n = 0; n < 10; n += 1) await sender.publish("order.placed", order);
    await settle(queue);
    expect(await queue.history()).toHaveLength(10);
    expect(worked).toHaveBeenCalledTimes(10);
  });
});

describe("handlers that answer each other without an end", () => {
  it("are warned of once, and named by health()", async () => {
    const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const queue = openLog();
    const [a, b] = [await startNode({ queue }), await startNode({ queue })];
    a.bus.subscribe("order.placed", ({ depth = 0 }) =>
      depth < 1_400 ? a.bus.publish("order.paid", paid) : undefined,
    );
    b.bus.subscribe("order.paid", () => b.bus.publish("order.placed", order));
    const { id } = await a.publish("order.placed", order);
    await vi.waitFor(
      async () => {
        const { problems } = await a.health();
        expect(problems).toContainEqual(
          expect.objectContaining({ code: "RUNAWAY_TRAIL", severity: "warning", subject: id }),
        );
      },
      { timeout: 20_000 },
    );
    await settle(queue);
    const runaways = warnings.mock.calls.filter(
      ([, options]) => (options as { code?: string }).code === "RINGRIFT_RUNAWAY_TRAIL",
    );
    // Each of the two nodes of this process warns by itself.
    expect(runaways).toHaveLength(2);
    expect(runaways[0]?.[0]).toContain(id);
    warnings.mockRestore();
  }, 40_000);
});
