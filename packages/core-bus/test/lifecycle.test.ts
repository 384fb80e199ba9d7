import { afterEach, describe, expect, it, vi } from "vitest";
import { createEventBus, getEventBus, resetEventBus } from "../src/index.ts";

const tick = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("drain", () => {
  it("waits for publishes, asynchronous handlers and replays that are running", async () => {
    const bus = createEventBus();
    let done = 0;
    bus.publishSync("a");
    const slow = async (): Promise<void> => {
      await tick(3);
      done += 1;
    };
    bus.subscribe("a", slow);
    bus.subscribe("a", slow, { replay: true });
    void bus.publish("a");
    bus.publishSync("a");
    expect(bus.stats().pending).toBeGreaterThan(0);
    expect(await bus.drain()).toEqual({ drained: true, left: 0 });
    expect(done).toBe(5);
    expect(bus.stats().pending).toBe(0);
  });

  it("resolves at once when nothing runs", async () => {
    expect(await createEventBus().drain()).toEqual({ drained: true, left: 0 });
  });

  it("lets others subscribe and publish meanwhile, and waits for what they begin", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe("a", async () => {
      await tick();
      bus.subscribe("b", async () => {
        await tick();
        seen.push("b");
      });
      void bus.publish("b");
      seen.push("a");
    });
    bus.publishSync("a");
    expect(await bus.drain()).toEqual({ drained: true, left: 0 });
    expect(seen).toEqual(["a", "b"]);
    expect(bus.publishSync("b")).toBe(1);
  });

  it("gives up after its time, and says what is left", async () => {
    const bus = createEventBus();
    const gate = Promise.withResolvers<void>();
    bus.subscribe("a", () => gate.promise);
    const publish = bus.publish("a");
    expect(await bus.drain({ timeoutMs: 5 })).toEqual({ drained: false, left: 1 });
    gate.resolve();
    await publish;
    await expect(bus.drain({ timeoutMs: -1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

describe("close", () => {
  it("refuses publishes and subscriptions afterwards", async () => {
    const bus = createEventBus();
    bus.publishSync("a", 1);
    await bus.close();
    const refused = { code: "BUS_CLOSED" };
    await expect(bus.publish("a")).rejects.toMatchObject(refused);
    await expect(bus.waitFor("a")).rejects.toMatchObject(refused);
    for (const call of [
      () => bus.publishSync("a"),
      () => bus.subscribe("a", () => {}),
      () => bus.once("a", () => {}),
      () => bus.subscriber("a")(() => {}),
      () => bus.stream("a"),
    ]) {
      expect(call).toThrow(expect.objectContaining(refused));
    }
    expect(bus.getHistory()).toHaveLength(1);
    expect(bus.inspect().closed).toBe(true);
  });

  it("waits for running handlers, calls the rest of them, and then ends all subscriptions", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe("a", async () => {
      await tick(3);
      seen.push("slow");
    });
    const last = bus.subscribe("a", () => seen.push("last"));
    const publish = bus.publish("a");
    expect(await bus.close()).toEqual({ drained: true, left: 0 });
    expect(seen).toEqual(["slow", "last"]);
    expect(last.active).toBe(false);
    await publish;
  });

  it("refuses from its first moment what running handlers subscribe and publish, and reports it", async () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error.cause) });
    bus.subscribe("a", async () => {
      await tick();
      bus.subscribe("b", () => {});
    });
    bus.subscribe("a", () => bus.publish("b"));
    bus.subscribe("a", () => bus.publishSync("b"));
    const publish = bus.publish("a");
    const closing = bus.close();
    expect(() => bus.subscribe("c", () => {})).toThrow(
      expect.objectContaining({ code: "BUS_CLOSED" }),
    );
    await expect(bus.publish("c")).rejects.toMatchObject({ code: "BUS_CLOSED" });
    expect(await closing).toEqual({ drained: true, left: 0 });
    expect((await publish).delivered).toBe(0);
    expect(failures).toEqual(Array(3).fill(expect.objectContaining({ code: "BUS_CLOSED" })));
    expect(bus.getHistory()).toHaveLength(1);
  });

  it("ends each subscription once: a later call or abort says nothing more", async () => {
    const bus = createEventBus();
    const ended: string[] = [];
    bus.signals.on("unsubscribed", (sub) => ended.push(sub.name));
    const controller = new AbortController();
    const sub = bus.subscribe("a", () => {}, { name: "one", signal: controller.signal });
    await bus.close();
    controller.abort();
    sub();
    expect(ended).toEqual(["one"]);
    expect(bus.unsubscribe({ topic: "a" })).toBe(0);
  });

  it("is idempotent", async () => {
    const bus = createEventBus();
    const results = await Promise.all([bus.close(), bus.close()]);
    expect(results).toEqual([
      { drained: true, left: 0 },
      { drained: true, left: 0 },
    ]);
    expect(await bus.close()).toEqual({ drained: true, left: 0 });
  });

  it("waits no longer than its limit", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => new Promise(() => {}));
    bus.publishSync("a");
    expect(await bus.close({ timeoutMs: 5 })).toEqual({ drained: false, left: 1 });
  });

  it("doesn't wait for the handler that calls it", async () => {
    const bus = createEventBus();
    bus.subscribe("shutdown", async () => {
      await tick();
      await bus.close({ timeoutMs: 60_000 });
    });
    const { delivered } = await bus.publish("shutdown");
    expect(delivered).toBe(1);
  });

  it("comes with the end of an await using block", async () => {
    const outer = createEventBus();
    {
      await using bus = outer;
      bus.subscribe("a", () => {});
    }
    expect(outer.inspect().closed).toBe(true);
  });
});

describe("the default bus", () => {
  afterEach(() => resetEventBus());

  it("is the same for everyone until it is reset, which closes it", () => {
    const bus = getEventBus();
    expect(getEventBus()).toBe(bus);
    bus.subscribe("a", () => {});
    resetEventBus();
    expect(getEventBus()).not.toBe(bus);
    expect(getEventBus().hasSubscribers("a")).toBe(false);
    expect(() => bus.publishSync("a")).toThrow(expect.objectContaining({ code: "BUS_CLOSED" }));
    resetEventBus();
    resetEventBus();
  });

  it("is the same after a reload of the module", async () => {
    const bus = getEventBus();
    vi.resetModules();
    const reloaded = await import("../src/index.ts");
    expect(reloaded.getEventBus).not.toBe(getEventBus);
    expect(reloaded.getEventBus()).toBe(bus);
  });
});

describe("hasSubscribers", () => {
  it("knows topics, patterns and RegExps, and forgets who has gone", () => {
    const bus = createEventBus();
    expect(bus.hasSubscribers("a.b")).toBe(false);
    for (const subscribe of [
      () => bus.subscribe("a.b", () => {}),
      () => bus.subscribe("a.*", () => {}),
      () => bus.subscribe({ topicPattern: /b/ }, () => {}),
    ]) {
      const sub = subscribe();
      expect(bus.hasSubscribers("a.b")).toBe(true);
      expect(bus.hasSubscribers("c")).toBe(false);
      sub();
      expect(bus.hasSubscribers("a.b")).toBe(false);
    }
    expect(() => bus.hasSubscribers("a.*")).toThrow(
      expect.objectContaining({ code: "INVALID_TOPIC" }),
    );
  });
});

describe("stats and inspect", () => {
  it("count what was published, delivered, failed and is subscribed", async () => {
    const bus = createEventBus({ onError: () => {}, history: 2 });
    bus.subscribe("a", () => {});
    bus.subscribe("*", async () => {});
    bus.subscribe({ topicPattern: /a/ }, () => {
      throw new Error("no");
    });
    await bus.publish("a");
    bus.publishSync("a");
    await bus.publish("b.c");
    await bus.drain();
    expect(bus.stats()).toEqual({
      published: 3,
      delivered: 4,
      failed: 2,
      dropped: { duplicate: 0, echo: 0, "hop-limit": 0, "stream-overflow": 0, vetoed: 0 },
      invalid: 0,
      subscriptions: { topics: 1, patterns: 1, regexps: 1, all: 3 },
      history: { size: 2, capacity: 2 },
      routes: { hits: 1, misses: 2, size: 2 },
      pending: 0,
    });
  });

  it("show the bus as plain data", () => {
    const bus = createEventBus();
    bus.subscribe("a.*", () => {}, { name: "one", priority: 2 });
    bus.once("b", () => {}, { owner: bus });
    const snapshot = bus.inspect();
    expect(structuredClone(snapshot)).toEqual(snapshot);
    expect(snapshot).toMatchObject({
      id: bus.id,
      closed: false,
      subscriptions: [
        { topic: "a.*", name: "one", priority: 2, once: false, owned: false },
        { topic: "b", name: "anonymous", priority: 0, once: true, owned: true },
      ],
    });
  });

  it("say in a Node console what an event is, its lazy id included", async () => {
    const { inspect } = await import("node:util");
    const { event } = await createEventBus().publish("a", { n: 1 });
    expect(inspect(event)).toContain(event.id);
    expect(inspect(event)).toContain("n: 1");
  });
});

describe("signals", () => {
  it("tell of subscriptions that begin and end, once each", () => {
    const bus = createEventBus();
    const log: string[] = [];
    bus.signals.on("subscribed", (sub) => log.push(`+${sub.topic}`));
    bus.signals.on("unsubscribed", (sub) => log.push(`-${sub.topic}`));
    const sub = bus.subscribe("a", () => {});
    bus.once("b", () => {});
    bus.subscribe("c", () => {}, { signal: AbortSignal.abort() });
    bus.publishSync("b");
    sub();
    sub();
    expect(log).toEqual(["+a", "+b", "-b", "-a"]);
  });

  it("tell of events that nobody subscribed to, and of failures", async () => {
    const bus = createEventBus({ onError: () => {} });
    const log: unknown[] = [];
    bus.signals.on("dead", (event) => log.push(["dead", event.topic]));
    bus.signals.on("error", (error) => log.push(["error", error.cause]));
    bus.subscribe("a", () => Promise.reject(1));
    await bus.publish("a");
    await bus.publish("b");
    bus.publishSync("c");
    expect(log).toEqual([
      ["error", 1],
      ["dead", "b"],
      ["dead", "c"],
    ]);
  });

  it("with a listener that throws disturb nobody, and that is a warning", async () => {
    const printers = process.listeners("warning");
    process.removeAllListeners("warning");
    const warnings: string[] = [];
    process.on("warning", (warning) => warnings.push(warning.message));
    const bus = createEventBus();
    bus.signals.on("dead", () => {
      throw new Error("listener");
    });
    expect(bus.publishSync("a")).toBe(0);
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    process.removeAllListeners("warning");
    for (const printer of printers) process.on("warning", printer);
    expect(warnings[0]).toContain('signal "dead"');
  });
});

describe("createEventBus", () => {
  it("refuses a delivery order that it doesn't know", () => {
    expect(() => createEventBus({ delivery: "random" as never })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
