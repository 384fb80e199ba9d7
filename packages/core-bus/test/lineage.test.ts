import { AsyncLocalStorage } from "node:async_hooks";
import {
  createLineage,
  currentEvent,
  type EventLineage,
  pickLineage,
  runDetached,
} from "@ringrift/envelope";
import { describe, expect, it } from "vitest";
import { type BusEvent, createEventBus } from "../src/index.ts";

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe("what a handler publishes", () => {
  it("is caused by the event it handles and shares its correlation and trace, also after an await", async () => {
    const bus = createEventBus();
    const children: BusEvent[] = [];
    bus.subscribe("child", (event) => children.push(event));
    bus.subscribe("parent", async () => {
      await bus.publish("child", "before");
      await tick();
      await bus.publish("child", "after");
      bus.publishSync("child", "sync");
    });
    const { event } = await bus.publish("parent", 1, {
      correlationId: "job-7",
      traceparent: "00-t",
    });
    expect(children.map((child) => child.payload)).toEqual(["before", "after", "sync"]);
    for (const child of children) {
      expect(child).toMatchObject({
        causationId: event.id,
        correlationId: "job-7",
        traceparent: "00-t",
      });
    }
  });

  it("goes back to the first event of the trail", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => bus.publish("b"));
    bus.subscribe("b", () => bus.publish("c"));
    const { event } = await bus.publish("a");
    const [c, b] = bus.getHistory();
    expect([c!.correlationId, b!.correlationId]).toEqual([event.id, event.id]);
    expect([c!.causationId, b!.causationId]).toEqual([b!.id, event.id]);
  });

  it("of publishSync inherits while the handler is synchronous", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => bus.publishSync("b"));
    bus.publishSync("a");
    const [b, a] = bus.getHistory();
    expect(b!.causationId).toBe(a!.id);
    expect(currentEvent()).toBeUndefined();
  });

  it("of publishSync inherits after an await too: that of an async function, and of any handler from its first call on", async () => {
    const bus = createEventBus();
    const causes: unknown[] = [];
    bus.subscribe("leaf", (event) => causes.push(event.causationId));
    bus.subscribe("mid", async () => {
      await tick();
      await bus.publish("leaf", "async function");
    });
    bus.subscribe("mid", () => tick().then(() => bus.publish("leaf", "function")));
    bus.subscribe("mid", () => tick().then(() => bus.publish("leaf", "once")), { once: true });
    let mid: BusEvent | undefined;
    bus.subscribe("mid", (event) => void (mid = event));
    bus.subscribe("top", () => bus.publishSync("mid"));
    await bus.publish("top");
    await bus.drain();
    expect(causes).toEqual([mid?.id, mid?.id, mid?.id]);
    bus.publishSync("mid");
    await bus.drain();
    expect(causes.slice(3)).toEqual([mid?.id, mid?.id]);
  });

  it("of a handler that was synchronous until this very call is lost at its await, and never again", async () => {
    const bus = createEventBus();
    const leaves: BusEvent[] = [];
    bus.subscribe("leaf", (event) => leaves.push(event));
    let isSlow = false;
    bus.subscribe("mid", () =>
      isSlow ? tick().then(() => bus.publish("leaf").then(() => undefined)) : undefined,
    );
    bus.publishSync("mid");
    bus.publishSync("mid");
    isSlow = true;
    bus.publishSync("mid");
    await bus.drain();
    bus.publishSync("mid");
    await bus.drain();
    expect(leaves.map(({ causationId }) => typeof causationId)).toEqual(["undefined", "string"]);
  });

  it("is one level deeper than its cause, up to maxCausalDepth where that is set", async () => {
    const bus = createEventBus({ maxCausalDepth: 2, onError: () => {} });
    const depths: unknown[] = [];
    let refusal: unknown;
    bus.subscribe("a", async (event) => {
      depths.push(event.depth);
      await tick();
      // Nobody waits for it: the publishes are not nested in each other.
      void bus.publish("a").catch((error: unknown) => (refusal = error));
    });
    await bus.publish("a");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(depths).toEqual([undefined, 1, 2]);
    expect(refusal).toMatchObject({ code: "CAUSAL_DEPTH_EXCEEDED" });
    expect(() => createEventBus({ maxCausalDepth: 0 })).toThrow(/maxCausalDepth/);
  });

  it("carries the causes and the depth that a bridge brings", async () => {
    const bus = createEventBus();
    const lineage = { ...createLineage({ causes: ["a", "b"] }), depth: 7 };
    const { event } = await bus.publish("a", 1, { lineage });
    expect(event).toMatchObject({ causes: ["a", "b"], depth: 7 });
    expect(pickLineage(event)).toMatchObject({ causes: ["a", "b"], depth: 7 });
  });

  it("begins a trail of its own when it is detached", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => runDetached(() => bus.publish("b")));
    await bus.publish("a");
    const [b] = bus.getHistory();
    expect(b!.causationId).toBeUndefined();
    expect(b!.correlationId).toBe(b!.id);
  });

  it("may have a correlation of its own", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => bus.publish("b", 1, { correlationId: "other" }));
    await bus.publish("a");
    expect(bus.getHistory()[0]).toMatchObject({ topic: "b", correlationId: "other" });
  });

  it("doesn't mix with what other publishes do at the same time", async () => {
    const bus = createEventBus();
    bus.subscribe("parent", async (event) => {
      for (let n = 0; n < 3; n += 1) {
        await tick();
        await bus.publish("child", event.payload);
      }
    });
    const parents = await Promise.all([1, 2, 3, 4].map((n) => bus.publish("parent", n)));
    const byPayload = new Map(parents.map(({ event }) => [event.payload, event.id]));
    const children = bus.getHistory({ topic: "child" });
    expect(children).toHaveLength(12);
    for (const child of children) expect(child.causationId).toBe(byPayload.get(child.payload));
  });

  it("sees the event being handled, the same object, and the publisher's own async context", async () => {
    const bus = createEventBus();
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    bus.subscribe("a", async (event) => {
      await tick();
      seen.push(currentEvent() === event, storage.getStore());
    });
    await storage.run("request 1", () => bus.publish("a"));
    expect(seen).toEqual([true, "request 1"]);
    expect(currentEvent()).toBeUndefined();
  });
});

describe("an event that a bridge carries", () => {
  const lineage: EventLineage = { ...createLineage({ source: "remote" }), via: ["n1/bus-1"] };

  it("keeps its lineage, inherits nothing, and adds this bus to its way", async () => {
    const bus = createEventBus();
    const { event } = await bus.publish("a", 1, { lineage, redelivered: true, source: "ignored" });
    expect(pickLineage(event)).toEqual({ ...lineage, via: ["n1/bus-1", bus.id] });
    expect(event.redelivered).toBe(true);
    bus.subscribe("outer", () => bus.publish("a", 2, { lineage: { ...lineage, via: [] } }));
    await bus.publish("outer");
    expect(bus.getHistory()[0]!.causationId).toBeUndefined();
  });

  it("is dropped as an echo where it has been, and that is counted", async () => {
    const bus = createEventBus();
    const dropped: unknown[] = [];
    bus.signals.on("dropped", (drop) => dropped.push(drop));
    let calls = 0;
    bus.subscribe("a", () => {
      calls += 1;
    });
    const { event } = await bus.publish("a");
    expect(calls).toBe(1);
    const again = pickLineage(event);
    const delivery = await bus.publish("a", 1, { lineage: again });
    expect(delivery).toMatchObject({ delivered: 0, errors: [], dropped: "echo" });
    expect(bus.publishSync("a", 1, { lineage: again })).toBe(0);
    expect(calls).toBe(1);
    expect(bus.stats().dropped.echo).toBe(2);
    expect(dropped).toMatchObject([
      { reason: "echo", event: { id: event.id } },
      { reason: "echo" },
    ]);
    expect(bus.getHistory()).toHaveLength(1);
  });

  it("is dropped after 16 hops", async () => {
    const bus = createEventBus();
    const via = Array.from({ length: 16 }, (_, n) => `n${n}/bus-1`);
    expect(await bus.publish("a", 1, { lineage: { ...lineage, via } })).toMatchObject({
      delivered: 0,
      dropped: "hop-limit",
    });
    expect(bus.stats().dropped["hop-limit"]).toBe(1);
    const { dropped } = await bus.publish("a", 1, { lineage: { ...lineage, via: via.slice(1) } });
    expect(dropped).toBeUndefined();
  });

  it("is refused with a lineage that isn't one", async () => {
    const bus = createEventBus();
    const bad = { ...lineage, id: "42" };
    await expect(bus.publish("a", 1, { lineage: bad })).rejects.toMatchObject({
      code: "INVALID_LINEAGE",
    });
    expect(() => bus.publishSync("a", 1, { lineage: bad })).toThrow("Lineage field");
  });

  it("comes to an end in a ring of buses, each of which forwards all it gets", async () => {
    const buses = Array.from({ length: 4 }, () => createEventBus());
    const handled = buses.map(() => 0);
    buses.forEach((bus, index) => {
      const next = buses[(index + 1) % buses.length]!;
      bus.subscribe("a", async (event) => {
        handled[index]! += 1;
        await next.publish(event.topic, event.payload, { lineage: pickLineage(event) });
      });
    });
    await buses[1]!.publish("a");
    expect(handled).toEqual([1, 1, 1, 1]);
  });

  it("has another way on each bus: ids of buses are never the same", () => {
    expect(createEventBus().id).not.toBe(createEventBus().id);
  });
});

describe("a trail of events", () => {
  it.each([
    ["later", (next: () => void) => setTimeout(next, 0)],
    ["at once, without waiting for each other", (next: () => void) => next()],
  ])("that follow each other %s is no chain in memory", async (_, follow) => {
    const bus = createEventBus({ history: false });
    const payloads: WeakRef<object>[] = [];
    const end = Promise.withResolvers<BusEvent>();
    bus.subscribe("step", async (event) => {
      payloads.push(new WeakRef(event.payload));
      await tick();
      if (payloads.length === 5) end.resolve(event);
      else follow(() => void bus.publish("step", {}));
    });
    await bus.publish("step", {});
    const last = await end.promise;
    await bus.drain();
    for (let round = 0; round < 50 && payloads[0]!.deref(); round += 1) {
      await tick();
      globalThis.gc!();
    }
    expect(payloads[0]!.deref()).toBeUndefined();
    expect(last.causationId).toBeDefined();
  });
});

describe("maxDepth", () => {
  it("refuses publishes nested deeper, and names the chain of topics", async () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ maxDepth: 10, onError: (error) => failures.push(error.cause) });
    let calls = 0;
    bus.subscribe("ping", async () => {
      calls += 1;
      await bus.publish("pong");
    });
    bus.subscribe("pong", async () => {
      calls += 1;
      await bus.publish("ping");
    });
    await bus.publish("ping");
    expect(calls).toBe(10);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: "DEPTH_EXCEEDED" });
    expect((failures[0] as Error).message).toMatch(/"ping".*10.*pong ← ping ← pong/);
  });

  it("guards publishSync before the stack overflows, by 100 unless told otherwise", () => {
    const failures: { code?: string }[] = [];
    const bus = createEventBus({ onError: ({ cause }) => failures.push(cause as object) });
    let calls = 0;
    bus.subscribe("a", () => {
      calls += 1;
      bus.publishSync("a");
    });
    bus.publishSync("a");
    expect(calls).toBe(100);
    expect(failures).toMatchObject([{ code: "DEPTH_EXCEEDED" }]);
  });

  it("counts across buses that publish to each other", async () => {
    const failures: unknown[] = [];
    const onError = (error: { cause?: unknown }): void => void failures.push(error.cause);
    const one = createEventBus({ maxDepth: 10, onError });
    const two = createEventBus({ maxDepth: 10, onError });
    one.subscribe("a", () => two.publish("a"));
    two.subscribe("a", () => one.publish("a"));
    await one.publish("a");
    expect(failures).toMatchObject([{ code: "DEPTH_EXCEEDED" }]);
  });

  it("doesn't count publishes that have finished, however long the trail", async () => {
    const bus = createEventBus({ maxDepth: 3 });
    bus.subscribe("a", async () => {
      for (let n = 0; n < 50; n += 1) await bus.publish("b");
    });
    expect((await bus.publish("a")).errors).toEqual([]);
    let count = 0;
    const chain = Promise.withResolvers<void>();
    bus.subscribe("step", () => {
      count += 1;
      if (count === 50) chain.resolve();
      else setTimeout(() => void bus.publish("step"), 0);
    });
    await bus.publish("step");
    await chain.promise;
    const [last] = bus.getHistory({ topic: "step" });
    expect(last!.causationId).toBeDefined();
    expect(bus.stats().failed).toBe(0);
  });

  it("refuses what isn't a number from 1", () => {
    expect(() => createEventBus({ maxDepth: 0 })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
