import { describe, expect, it } from "vitest";
import {
  createEventBus,
  type EventBus,
  type HandlerError,
  type Subscription,
} from "../src/index.ts";

/** Both ways to publish; each calls all synchronous handlers before it returns. */
const DELIVER = {
  publishSync: (bus: EventBus, payload?: unknown): void => void bus.publishSync("a", payload),
  publish: (bus: EventBus, payload?: unknown): void => void bus.publish("a", payload),
};
const WAYS = [0, 1, 1024].flatMap((routeCache) => [
  { verb: "publishSync" as const, routeCache },
  { verb: "publish" as const, routeCache },
]);
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("a publish in a handler", () => {
  it("is delivered at once, before the rest of the outer one: depth first", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe("*", (event) => {
      seen.push(`first ${event.topic}`);
      if (event.topic === "outer") bus.publishSync("inner");
    });
    bus.subscribe("*", (event) => seen.push(`second ${event.topic}`));
    const expected = ["first outer", "first inner", "second inner", "second outer"];
    bus.publishSync("outer");
    expect(seen).toEqual(expected);
    seen.length = 0;
    await bus.publish("outer");
    expect(seen).toEqual(expected);
  });

  it("of its own topic, awaited, ends before the next handler of the outer one starts", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe("a", async (event) => {
      if (event.payload < 3) await bus.publish("a", event.payload + 1);
      seen.push(`first ${event.payload}`);
    });
    bus.subscribe("a", (event) => seen.push(`second ${event.payload}`));
    await bus.publish("a", 1);
    expect(seen).toEqual(["first 3", "second 3", "first 2", "second 2", "first 1", "second 1"]);
  });

  it("that goes in a circle is stopped, with the topics of the circle in the error", async () => {
    const failures: HandlerError[] = [];
    const bus = createEventBus({ maxDepth: 6, onError: (error) => failures.push(error) });
    bus.subscribe("order.placed", () => bus.publish("stock.reserved"));
    bus.subscribe("stock.*", () => bus.publish("order.changed"));
    bus.subscribe({ topicPattern: /changed$/ }, () => bus.publishSync("order.placed"));
    const { delivered } = await bus.publish("order.placed");
    expect(delivered).toBe(1);
    expect(failures).toHaveLength(1);
    expect(failures[0]!.cause).toMatchObject({
      code: "DEPTH_EXCEEDED",
      message: expect.stringContaining(
        "order.changed ← stock.reserved ← order.placed ← order.changed ← stock.reserved ← order.placed",
      ),
    });
    expect(bus.stats().pending).toBe(0);
    expect(await bus.publish("order.unrelated")).toMatchObject({ delivered: 0, errors: [] });
  });
});

describe.each(WAYS)("a change in the middle of a $verb, with a cache of $routeCache", (way) => {
  const { routeCache } = way;
  const deliver = DELIVER[way.verb];

  it("that removes an earlier handler skips nobody", () => {
    const bus = createEventBus({ routeCache });
    const seen: string[] = [];
    const first = bus.subscribe("a", () => seen.push("first"));
    bus.subscribe("a", () => {
      seen.push("second");
      first();
    });
    bus.subscribe("a", () => seen.push("third"));
    deliver(bus);
    deliver(bus);
    expect(seen).toEqual(["first", "second", "third", "second", "third"]);
  });

  it("in which every handler removes itself calls each of them once", () => {
    const bus = createEventBus({ routeCache });
    const seen: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      const sub = bus.subscribe(n % 2 ? "a" : "*", () => {
        seen.push(n);
        sub();
      });
    }
    deliver(bus);
    deliver(bus);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it("that removes all the others leaves only the running one", () => {
    const bus = createEventBus({ routeCache });
    const seen: number[] = [];
    const subs: Subscription[] = [];
    for (let n = 0; n < 10; n += 1) {
      const sub = bus.subscribe(n % 2 ? "a" : "{a,b}", () => {
        seen.push(n);
        for (const other of subs) if (other !== sub) other();
      });
      subs.push(sub);
    }
    deliver(bus);
    expect(seen).toEqual([0]);
    expect(subs.map((sub) => sub.active)).toEqual([
      true,
      ...Array.from({ length: 9 }, () => false),
    ]);
  });

  it("that removes by topic or by handler spares whom it removed", () => {
    const bus = createEventBus({ routeCache });
    const seen: string[] = [];
    const handler = (): void => void seen.push("by handler");
    bus.subscribe("a", () => {
      bus.unsubscribe({ topic: "*" });
      bus.unsubscribe({ handler });
    });
    bus.subscribe("*", () => seen.push("by topic"));
    bus.subscribe("a", handler);
    bus.subscribe("a", () => seen.push("kept"));
    deliver(bus);
    expect(seen).toEqual(["kept"]);
  });

  it("that adds a handler of any kind is for the publishes after it, one in the same handler included", () => {
    const bus = createEventBus({ routeCache });
    const seen: string[] = [];
    bus.once("a", () => {
      for (const [name, on] of Object.entries({ topic: "a", pattern: "*" })) {
        bus.subscribe(on, (event) => seen.push(`${name} ${event.payload}`), { priority: 1 });
      }
      bus.subscribe({ topicPattern: /a/ }, (event) => seen.push(`regexp ${event.payload}`));
      deliver(bus, "inner");
    });
    bus.subscribe("a", (event) => seen.push(`last ${event.payload}`));
    deliver(bus, "outer");
    expect(seen).toEqual([
      "topic inner",
      "pattern inner",
      "last inner",
      "regexp inner",
      "last outer",
    ]);
  });

  it("that puts another in the place of a removed one calls neither", () => {
    const bus = createEventBus({ routeCache });
    const seen: string[] = [];
    bus.once("a", () => {
      old();
      bus.subscribe("a", () => seen.push("new"));
    });
    const old = bus.subscribe("a", () => seen.push("old"));
    deliver(bus);
    expect(seen).toEqual([]);
    deliver(bus);
    expect(seen).toEqual(["new"]);
  });

  it("by a nested publish counts for the outer one, too", async () => {
    const bus = createEventBus({ routeCache });
    const seen: unknown[] = [];
    bus.subscribe("outer", () => bus.publish("inner"));
    const doomed = bus.subscribe("outer", () => seen.push("doomed"));
    bus.subscribe("inner", async () => {
      await tick();
      doomed();
    });
    await bus.publish("outer");
    expect(seen).toEqual([]);
  });
});

describe("once", () => {
  it("is once though its own predicate publishes what it waits for", () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.once("a", (event) => seen.push(event.payload), {
      where: (event) => {
        if (event.payload === 1) bus.publishSync("a", 2);
        return true;
      },
    });
    bus.publishSync("a", 1);
    expect(seen).toEqual([2]);
  });

  it("is once for a pattern under 100 concurrent publishes to as many topics, in parallel delivery", async () => {
    const bus = createEventBus({ delivery: "parallel" });
    const seen: string[] = [];
    bus.once("topic.*", async (event) => {
      await tick();
      seen.push(event.topic);
    });
    const deliveries = await Promise.all(
      Array.from({ length: 100 }, (_, n) => bus.publish(`topic.${n}`)),
    );
    expect(seen).toEqual(["topic.0"]);
    expect(deliveries.map((delivery) => delivery.delivered)).toEqual([
      1,
      ...Array.from({ length: 99 }, () => 0),
    ]);
  });

  it("is once while it waits its turn behind a slow handler of several publishes", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.subscribe("a", tick);
    bus.once("a", (event) => seen.push(event.payload));
    await Promise.all([bus.publish("a", 1), bus.publish("a", 2), bus.publish("a", 3)]);
    expect(seen).toEqual([1]);
  });

  it("keeps its place among others: two of them, then one that stays", () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.once("a", () => seen.push(1));
    bus.once("a", () => seen.push(2));
    bus.subscribe("a", () => seen.push(3));
    bus.publishSync("a");
    bus.publishSync("a");
    expect(seen).toEqual([1, 2, 3, 3]);
  });

  it("given back by its own subscription before it is claimed is never called", () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.subscribe("a", () => once());
    const once = bus.once("a", () => seen.push(1));
    bus.publishSync("a");
    expect(seen).toEqual([]);
  });
});
