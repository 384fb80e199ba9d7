import { createEventBus, type EventBus } from "@ringrift/core-bus";
import { createLineage } from "@ringrift/envelope";
import { defineCatalogue, event } from "@ringrift/mappings";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createCoordinator } from "../src/index.ts";
import { makeNode, openLog, settle, shop, startNode } from "./nodes.ts";

const order = { id: "A-1", cents: 1999 };

describe("an event whose metadata something else wrote", () => {
  const headers = { "ringrift-metadata": '"no object"' };
  const carried = (): object => ({ headers, lineage: createLineage({}) });

  it("is counted as invalid and set aside at once, for the bus and for work", async () => {
    const queue = openLog();
    const node = makeNode({ queue, node: "shop-1" });
    const worked = vi.fn();
    node.handle("order.placed", { group: "mailer" }, worked);
    await node.start();
    await queue.send("ORDER_PLACED", order, carried());
    await settle(queue);
    expect(worked).not.toHaveBeenCalled();
    expect(node.stats().dropped.invalid).toBe(1);
    expect(await queue.deadLetters.list()).toMatchObject([
      { group: expect.any(String), attempts: 1, error: { code: "PERMANENT" } },
      { group: expect.any(String), attempts: 1, error: { code: "PERMANENT" } },
    ]);
  });

  it("doesn't keep a node from starting that fills its history", async () => {
    const queue = openLog();
    await queue.send("ORDER_PLACED", order, carried());
    const sent = await queue.send("ORDER_PLACED", order);
    const onError = vi.fn();
    const node = await startNode({ queue, onError, catchUp: { history: true } });
    expect(node.bus.getHistory().map(({ id }) => id)).toEqual([sent.id]);
    expect(onError).toHaveBeenCalledTimes(1);
  });
});

describe("an event that says it failed, under a topic that means success", () => {
  const failed = { id: "A-1", success: false };
  const refused = expect.objectContaining({
    code: "WRONG_OUTCOME",
    message: expect.stringContaining('"order.failed"'),
  });

  it("is refused by each way to publish, stored by none, and reaches nobody", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    const heard = vi.fn();
    node.bus.subscribe("**", heard);
    await expect(node.publish("order.paid", failed)).rejects.toEqual(refused);
    await expect(node.bus.publish("order.paid", failed)).rejects.toEqual(refused);
    expect(() => node.bus.publishSync("order.paid", failed)).toThrow(refused);
    await expect(node.emitters.orderPaid(failed)).rejects.toEqual(refused);
    await settle(queue);
    expect(heard).not.toHaveBeenCalled();
    expect(await queue.history()).toEqual([]);
    await node.stages.emit({ stage: "pay_complete", success: false, id: "A-1" });
    expect(await queue.history()).toMatchObject([{ type: "ORDER_FAILED" }]);
  });

  it("isn't stored from a bus that doesn't know the catalogue, and its publisher is told", async () => {
    const queue = openLog();
    const node = await startNode({ queue, bus: createEventBus() as never, onError: vi.fn() });
    const { errors } = await node.bus.publish("order.paid", failed);
    expect(errors).toEqual([expect.objectContaining({ cause: refused })]);
    expect(node.stats().dropped.invalid).toBe(1);
    expect(await queue.history()).toEqual([]);
  });

  it("is counted as invalid when the queue brings it, set aside by work, and never dispatched", async () => {
    const queue = openLog();
    const node = makeNode({ queue, node: "shop-1" });
    const called = vi.fn();
    node.bus.subscribe("**", called);
    node.handle("order.paid", { group: "mailer" }, called);
    await node.start();
    await queue.send("ORDER_PAID", failed);
    await settle(queue);
    expect(called).not.toHaveBeenCalled();
    expect(node.stats().dropped.invalid).toBe(2);
    const letters = await queue.deadLetters.list();
    expect(letters.map(({ group }) => group).toSorted()).toEqual(["mailer", "shop-1"]);
    expect(letters[0]).toMatchObject({ attempts: 1, error: { code: "PERMANENT" } });
  });

  it("stays out of a history that is filled from the log", async () => {
    const queue = openLog();
    await queue.send("ORDER_PAID", failed);
    const onError = vi.fn();
    const node = await startNode({ queue, onError, catchUp: { history: true } });
    expect(node.bus.getHistory()).toEqual([]);
    expect(onError).toHaveBeenCalledTimes(1);
  });
});

describe("an event of a type that the catalogue doesn't have", () => {
  it("is counted each time it comes from the queue, and warned of once", async () => {
    const queue = openLog();
    const node = await startNode({ queue });
    node.bus.subscribe("**", () => {});
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    for (let n = 0; n < 3; n += 1) await queue.send("ORDER_REFUNDED", {});
    await queue.send("order.placed", {});
    await settle(queue);
    const warnings = warn.mock.calls.map(([text]) => String(text));
    warn.mockRestore();
    expect(node.stats().dropped.unmapped).toBe(4);
    expect(warnings).toEqual([
      expect.stringContaining('"ORDER_REFUNDED" come from the queue'),
      expect.stringContaining('Have it sent as "ORDER_PLACED"'),
    ]);
  });
});

describe("an event of a topic that the catalogue doesn't have", () => {
  it("is counted, and its name is warned of once, with the nearest that it has", async () => {
    const node = await startNode();
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const heard = vi.fn();
    node.bus.subscribe("**", heard);
    for (const topic of ["order.plcaed", "order.plcaed", "order.placed", "cart.changed"]) {
      // @ts-expect-error from plain JavaScript
      await node.bus.publish(topic, { id: "A-1", cents: 1 });
    }
    // @ts-expect-error from plain JavaScript
    node.bus.publishSync("weather.changed", {});
    const warnings = warn.mock.calls.map(([text]) => String(text));
    warn.mockRestore();
    expect(heard).toHaveBeenCalledTimes(5);
    expect(node.stats()).toMatchObject({
      forwarded: { topicToQueue: 1 },
      dropped: { unmapped: 3 },
    });
    expect(warnings).toEqual([
      expect.stringContaining('Did you mean "order.placed"?'),
      expect.stringContaining('Topic "weather.changed" is not in the catalogue'),
    ]);
  });

  it("is no concern of one coordinator when another on the same bus has it", async () => {
    const garden = defineCatalogue({ "weather.changed": event<{ degrees: number }>() });
    const node = await startNode();
    const other = createCoordinator({ catalogue: garden, bus: node.bus as EventBus });
    onTestFinished(() => other.close().then(() => undefined));
    await other.start();
    await other.bus.publish("weather.changed", { degrees: 21 });
    await node.bus.publish("order.placed", order);
    expect([node.stats().dropped.unmapped, other.stats().dropped.unmapped]).toEqual([0, 0]);
    await other.close();
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    // @ts-expect-error from plain JavaScript
    await node.bus.publish("weather.changed", { degrees: 21 });
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
    expect(node.stats().dropped.unmapped).toBe(1);
  });
});

describe("an event that the bus refuses, however often it comes", () => {
  it("is counted as an error, reported, and a dead letter of its node", async () => {
    const queue = openLog();
    await queue.group("shop-1", { maxAttempts: 2, backoff: { initialMs: 1 } }).ensure();
    const onError = vi.fn();
    const node = await startNode({ queue, node: "shop-1", onError });
    const refuse = vi.spyOn(node.bus, "publish").mockRejectedValue(new Error("no"));
    await queue.send("ORDER_PLACED", order);
    await settle(queue);
    refuse.mockRestore();
    expect(node.stats().dropped.error).toBe(1);
    expect(onError).toHaveBeenCalledTimes(1);
    expect(await queue.deadLetters.list()).toMatchObject([{ group: "shop-1", attempts: 2 }]);
  });
});

describe("an event whose payload the schema of the bus refuses", () => {
  it("is counted as invalid and set aside at once, and its neighbours are not delayed", async () => {
    const queue = openLog();
    const bus = createEventBus({ events: shop.topics, schemas: { "order.placed": withCents } });
    const node = await startNode({ queue, bus, node: "shop-1", onError: vi.fn() });
    const heard = vi.fn();
    node.bus.subscribe("order.placed", heard);
    await queue.send("ORDER_PLACED", { id: "A-1" });
    await queue.send("ORDER_PLACED", order);
    await settle(queue);
    expect(heard.mock.calls.map(([event]) => event.payload)).toEqual([order]);
    expect(node.stats().dropped.invalid).toBe(1);
    expect(await queue.deadLetters.list()).toMatchObject([{ group: "shop-1", attempts: 1 }]);
  });
});

/** A schema in the form that every library gives it. */
const withCents = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate(value: unknown) {
      const given = value as typeof order;
      return typeof given.cents === "number"
        ? { value: given }
        : { issues: [{ message: "has no cents", path: ["cents"] }] };
    },
  },
} as const;
