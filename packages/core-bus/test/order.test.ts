import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

describe("order of delivery", () => {
  it("is priority descending, then one sequence across topics, patterns and filters", async () => {
    const bus = createEventBus();
    const order: string[] = [];
    bus.subscribe("training.*", () => order.push("1 pattern"));
    bus.subscribe("training.done", () => order.push("2 topic"));
    bus.subscribe({ topicPattern: /training/ }, () => order.push("3 regexp"));
    bus.subscribe("training.done", () => order.push("last"), { priority: -1 });
    bus.subscribe({}, () => order.push("4 all"));
    bus.subscribe("**", () => order.push("first"), { priority: 10 });
    bus.subscribe("tr*.done", () => order.push("5 partial"));
    const expected = ["first", "1 pattern", "2 topic", "3 regexp", "4 all", "5 partial", "last"];
    await bus.publish("training.done");
    expect(order).toEqual(expected);
    order.length = 0;
    bus.publishSync("training.done");
    expect(order).toEqual(expected);
  });

  it("refuses a priority that isn't a finite number", () => {
    const bus = createEventBus();
    for (const priority of [Number.NaN, Number.POSITIVE_INFINITY, "1" as never]) {
      expect(() => bus.subscribe("a", () => {}, { priority })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("is serial by default: each handler waits for the one before", async () => {
    const bus = createEventBus();
    const order: string[] = [];
    bus.subscribe("a", async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push("slow");
    });
    bus.subscribe("a", () => order.push("quick"));
    await bus.publish("a");
    expect(order).toEqual(["slow", "quick"]);
  });

  it("is parallel when asked: all start, and publish still waits for all", async () => {
    const bus = createEventBus({ delivery: "parallel", onError: () => {} });
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    bus.subscribe("a", async () => {
      await gate.promise;
      order.push("slow");
    });
    bus.subscribe("a", async () => {
      order.push("quick");
      gate.resolve();
      throw new Error("quick to fail");
    });
    const { delivered, errors } = await bus.publish("a");
    expect(order).toEqual(["quick", "slow"]);
    expect([delivered, errors.length]).toEqual([1, 1]);
  });

  it("holds no publish up for another", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    const gate = Promise.withResolvers<void>();
    bus.subscribe("a", async (event) => {
      if (event.payload === 1) await gate.promise;
      seen.push(event.payload);
    });
    const first = bus.publish("a", 1);
    await bus.publish("a", 2);
    gate.resolve();
    await first;
    expect(seen).toEqual([2, 1]);
  });
});

describe("a change during a publish", () => {
  it("that adds a handler doesn't call it for this event", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe("a", (event) => {
      if (event.payload === 1) bus.subscribe("*", () => seen.push("added"));
    });
    bus.subscribe("a", async () => {});
    await bus.publish("a", 1);
    expect(seen).toEqual([]);
    await bus.publish("a", 2);
    expect(seen).toEqual(["added"]);
  });

  it("that removes a handler spares it, also while an earlier one is awaited", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe("a", async () => {
      await Promise.resolve();
      later();
    });
    const later = bus.subscribe("a", () => seen.push("removed"));
    bus.subscribe("a", () => seen.push("kept"));
    const { delivered } = await bus.publish("a");
    expect(seen).toEqual(["kept"]);
    expect(delivered).toBe(2);
  });

  it("that aborts a handler's signal spares it", () => {
    const bus = createEventBus();
    const seen: string[] = [];
    const controller = new AbortController();
    bus.subscribe("a", () => controller.abort());
    bus.subscribe("a", () => seen.push("aborted"), { signal: controller.signal });
    expect(bus.publishSync("a")).toBe(1);
    expect(seen).toEqual([]);
  });

  it("that removes the handler itself skips nobody", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    const self = bus.subscribe("a", () => {
      seen.push("self");
      self();
    });
    bus.subscribe("a", () => seen.push("next"));
    await bus.publish("a");
    await bus.publish("a");
    expect(seen).toEqual(["self", "next", "next"]);
  });
});
