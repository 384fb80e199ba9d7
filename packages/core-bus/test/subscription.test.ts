import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

describe("a subscription", () => {
  it("ends when it is called, as often as one likes", () => {
    const bus = createEventBus();
    let calls = 0;
    const end = bus.subscribe("a", () => {
      calls += 1;
    });
    bus.publishSync("a");
    expect(end.active).toBe(true);
    end();
    end();
    end[Symbol.dispose]();
    expect(end.active).toBe(false);
    expect(bus.publishSync("a")).toBe(0);
    expect(calls).toBe(1);
  });

  it("ends with the block that uses it", () => {
    const bus = createEventBus();
    {
      using sub = bus.subscribe("a", () => {});
      expect(sub.active && bus.hasSubscribers("a")).toBe(true);
    }
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("has its own identity: one function subscribed twice is called twice", () => {
    const bus = createEventBus();
    let calls = 0;
    const handler = (): void => {
      calls += 1;
    };
    const first = bus.subscribe("a", handler);
    bus.subscribe("a", handler);
    bus.publishSync("a");
    expect(calls).toBe(2);
    first();
    bus.publishSync("a");
    expect(calls).toBe(3);
  });

  it("says its topic and its name", () => {
    const bus = createEventBus();
    function saveModel(): void {}
    const sub = bus.subscribe("a.*", saveModel);
    expect([sub.topic, sub.name]).toEqual(["a.*", "saveModel"]);
    expect(bus.subscribe("a", saveModel, { name: "given" }).name).toBe("given");
    expect(bus.subscribe({ topicPattern: /^a/ }, () => {}).topic).toBe("/^a/");
    const all = bus.subscribe({ source: "x" }, () => {});
    expect([all.topic, all.name]).toEqual(["**", "anonymous"]);
  });

  it("refuses a handler that isn't a function", () => {
    const bus = createEventBus();
    expect(() => bus.subscribe("a", undefined as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});

describe("once", () => {
  it("is claimed before the call: 100 concurrent publishes call it once", async () => {
    const bus = createEventBus();
    let calls = 0;
    const sub = bus.subscribe(
      "a",
      async () => {
        calls += 1;
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
      { once: true },
    );
    await Promise.all(Array.from({ length: 100 }, () => bus.publish("a")));
    expect(calls).toBe(1);
    expect(sub.active).toBe(false);
  });

  it("is claimed by publishSync and by a publish in its own handler", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.once("a", async (event) => {
      seen.push(event.payload);
      await bus.publish("a", 2);
    });
    bus.publishSync("a", 1);
    await bus.drain();
    expect(seen).toEqual([1]);
  });

  it("is over after a call that failed", async () => {
    const bus = createEventBus({ onError: () => {} });
    let calls = 0;
    bus.once("a", () => {
      calls += 1;
      throw new Error("no");
    });
    await bus.publish("a");
    await bus.publish("a");
    expect(calls).toBe(1);
  });

  it("waits for an event that its predicate and source want", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.once({ source: "s", where: (event) => event.payload > 1 }, (event) => {
      seen.push(event.payload);
    });
    await bus.publish("a", 1, { source: "s" });
    await bus.publish("a", 2);
    await bus.publish("a", 3, { source: "s" });
    await bus.publish("a", 4, { source: "s" });
    expect(seen).toEqual([3]);
  });
});

describe("filters", () => {
  it("select by topic, by pattern, by source and by predicate, all of which must hold", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe({ topic: "a.b" }, () => seen.push("topic"));
    bus.subscribe({ topicPattern: "a.*" }, () => seen.push("pattern"));
    bus.subscribe({ topicPattern: /\.b$/ }, () => seen.push("regexp"));
    bus.subscribe({ source: "x" }, () => seen.push("source"));
    bus.subscribe({ where: (event) => event.payload === 1 }, () => seen.push("where"));
    bus.subscribe(
      { topic: "a.b", topicPattern: "a.*", source: "x", where: (event) => event.payload === 1 },
      () => seen.push("all"),
    );
    bus.subscribe({}, () => seen.push("any"));
    await bus.publish("a.b", 1, { source: "x" });
    expect(seen).toEqual(["topic", "pattern", "regexp", "source", "where", "all", "any"]);
    seen.length = 0;
    await bus.publish("c.b", 2);
    expect(seen).toEqual(["regexp", "any"]);
  });

  it("ask their own predicate and that of the options", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.subscribe({ where: (event) => event.payload > 1 }, (event) => seen.push(event.payload), {
      where: (event) => event.payload < 3,
    });
    for (const n of [1, 2, 3]) await bus.publish("a", n);
    expect(seen).toEqual([2]);
  });

  it("search with a RegExp from the start each time, whatever its flags", async () => {
    const bus = createEventBus({ routeCache: 0 });
    let calls = 0;
    const pattern = /training/gy;
    bus.subscribe({ topicPattern: pattern }, () => {
      calls += 1;
    });
    for (let n = 0; n < 4; n += 1) await bus.publish("training.done");
    expect(calls).toBe(4);
    expect(pattern.lastIndex).toBe(0);
  });

  it("refuse fields they don't know, and contradictions", () => {
    const bus = createEventBus();
    expect(() => bus.subscribe({ pattern: "a.*" } as never, () => {})).toThrow(
      'no option "pattern"',
    );
    expect(() => bus.subscribe({ topic: "a", topicPattern: "b.*" }, () => {})).toThrow(
      "can never match",
    );
    expect(() => bus.subscribe(/a/ as never, () => {})).toThrow(
      expect.objectContaining({ code: "INVALID_TOPIC" }),
    );
  });

  it("count a predicate that throws as their own failure, and starve nobody", async () => {
    const bus = createEventBus({ onError: () => {} });
    const seen: string[] = [];
    const broken = bus.subscribe("a", () => seen.push("never"), {
      where: () => {
        throw new Error("predicate");
      },
    });
    bus.subscribe("a", () => seen.push("next"));
    const { errors, delivered } = await bus.publish("a");
    expect(seen).toEqual(["next"]);
    expect(delivered).toBe(1);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ subscription: broken, cause: new Error("predicate") });
  });
});

describe("signal", () => {
  it("ends the subscription when it aborts", () => {
    const bus = createEventBus();
    const controller = new AbortController();
    const sub = bus.subscribe("a", () => {}, { signal: controller.signal });
    expect(sub.active).toBe(true);
    controller.abort();
    expect(sub.active).toBe(false);
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("aborted already, begins an ended subscription", () => {
    const bus = createEventBus();
    const sub = bus.subscribe("a", () => {}, { signal: AbortSignal.abort() });
    expect(sub.active).toBe(false);
    expect(bus.publishSync("a")).toBe(0);
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("keeps no listener of a subscription that has ended, however it ended", async () => {
    const bus = createEventBus();
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, "abort").length;
    for (let n = 0; n < 50; n += 1) bus.subscribe("a", () => {}, { signal })();
    bus.once("a", () => {}, { signal });
    bus.subscribe("b", () => {}, { signal });
    expect(listeners()).toBe(2);
    await bus.publish("a");
    expect(listeners()).toBe(1);
    await bus.close();
    expect(listeners()).toBe(0);
  });
});

describe("one signal of many subscriptions", () => {
  it("ends them all when it aborts, in the order in which they came, and warns of no leak", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const bus = createEventBus();
    const controller = new AbortController();
    const { signal } = controller;
    const ended: string[] = [];
    bus.signals.on("unsubscribed", (sub) => ended.push(sub.name));
    for (let n = 0; n < 100; n += 1) bus.subscribe("a", () => {}, { signal, name: `${n}` });
    await new Promise((resolve) => setTimeout(resolve, 0));
    controller.abort();
    process.off("warning", onWarning);
    expect(ended).toEqual(Array.from({ length: 100 }, (_, n) => `${n}`));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(warnings).toEqual([]);
  });

  it("tells nobody of a subscription that was ended before it aborted", () => {
    const bus = createEventBus();
    const controller = new AbortController();
    const ended: string[] = [];
    bus.signals.on("unsubscribed", (sub) => ended.push(sub.name));
    bus.subscribe("a", () => {}, { signal: controller.signal, name: "early" })();
    using _late = bus.subscribe("a", () => {}, { signal: controller.signal, name: "late" });
    controller.abort();
    expect(ended).toEqual(["early", "late"]);
  });

  it("may abort in a handler: whose turn is still to come is not called", async () => {
    const bus = createEventBus();
    const controller = new AbortController();
    const { signal } = controller;
    const seen: string[] = [];
    bus.subscribe("a", () => seen.push("before"), { signal });
    bus.subscribe("a", async () => {
      await Promise.resolve();
      controller.abort();
    });
    bus.subscribe("a", () => seen.push("topic"), { signal });
    bus.subscribe("*", () => seen.push("pattern"), { signal });
    bus.once("a", () => seen.push("once"), { signal });
    bus.subscribe("a", () => seen.push("unaborted"));
    await bus.publish("a");
    expect(seen).toEqual(["before", "unaborted"]);
  });

  it("may abort in the predicate of a subscription, which is not called then", () => {
    const bus = createEventBus();
    const controller = new AbortController();
    const seen: string[] = [];
    bus.subscribe("a", () => seen.push("called"), {
      signal: controller.signal,
      where: () => {
        controller.abort();
        return true;
      },
    });
    expect(bus.publishSync("a")).toBe(0);
    expect(seen).toEqual([]);
  });
});

describe("one function subscribed several times", () => {
  it("is called for each, and each ends alone: by its handle, its signal or its topic", () => {
    const bus = createEventBus();
    const seen: string[] = [];
    const handler = (event: { topic: string }): void => void seen.push(event.topic);
    const controller = new AbortController();
    const first = bus.subscribe("a", handler);
    const second = bus.subscribe("a", handler, { signal: controller.signal });
    const third = bus.subscribe("*", handler);
    const calls = (): number => bus.publishSync("a");
    expect(calls()).toBe(3);
    first();
    expect([calls(), first.active, second.active]).toEqual([2, false, true]);
    controller.abort();
    expect([calls(), second.active, third.active]).toEqual([1, false, true]);
    expect(bus.unsubscribe({ handler })).toBe(1);
    expect(calls()).toBe(0);
    expect(seen).toHaveLength(6);
  });
});

describe("unsubscribe", () => {
  it("ends by handler, by topic as it was written, or by both, and says how many", () => {
    const bus = createEventBus();
    const one = (): void => {};
    const two = (): void => {};
    bus.subscribe("a", one);
    bus.subscribe("a.*", one);
    bus.subscribe("a", two);
    bus.subscribe("b", two);
    bus.subscribe("c", two, { owner: bus });
    expect(bus.unsubscribe({ handler: one, topic: "a" })).toBe(1);
    expect(bus.unsubscribe({ topic: "a" })).toBe(1);
    expect(bus.unsubscribe({ handler: two })).toBe(2);
    expect(bus.inspect().subscriptions.map((sub) => sub.topic)).toEqual(["a.*"]);
  });

  it("leaves streams and waits, which belong to whoever made them", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a.b");
    const waiting = bus.waitFor("a.b");
    const patterned = bus.stream("a.*");
    bus.once("a.b", () => {});
    bus.subscriber("a.b")(() => {});
    expect(bus.unsubscribe({ topic: "a.b" })).toBe(2);
    expect(bus.unsubscribe({ topic: "a.*" })).toBe(0);
    bus.publishSync("a.b", 1);
    expect((await stream.next()).value?.payload).toBe(1);
    expect((await patterned.next()).value?.payload).toBe(1);
    expect((await waiting).payload).toBe(1);
  });

  it("ends a tap by its handler alone, not by a topic that it shares with others", () => {
    const bus = createEventBus();
    const bridge = (): void => {};
    const handler = (): void => {};
    bus.subscribe("a", bridge, { tap: true });
    bus.subscribe("a", handler);
    expect(bus.unsubscribe({ topic: "a" })).toBe(1);
    expect(bus.unsubscribe({ topic: "b", handler: bridge })).toBe(0);
    expect(bus.unsubscribe({ handler: bridge })).toBe(1);
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("ends nothing when it is told nothing, or something unknown", () => {
    const bus = createEventBus();
    bus.subscribe("a", () => {});
    expect(bus.unsubscribe({})).toBe(0);
    expect(bus.unsubscribe({ handler: undefined })).toBe(0);
    expect(bus.unsubscribe({ topic: "b" })).toBe(0);
    expect(bus.hasSubscribers("a")).toBe(true);
  });
});
