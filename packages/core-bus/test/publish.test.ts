import { describe, expect, it } from "vitest";
import { createEventBus, type HandlerError } from "../src/index.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("an event", () => {
  it("can't be written by a handler: later ones and the history have it as it was published", async () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: ({ cause }) => failures.push(cause) });
    const fields = ["topic", "payload", "metadata", "time", "id", "source", "origin", "via"];
    for (const field of fields) {
      bus.subscribe("a", (event) => {
        (event as unknown as Record<string, unknown>)[field] = "forged";
      });
    }
    const seen: unknown[] = [];
    bus.subscribe("a", (event) => seen.push(event.topic, event.payload, event.metadata));
    const { event } = await bus.publish("a", "as it was", { metadata: { n: 1 } });
    expect(failures).toEqual(fields.map(() => expect.any(TypeError)));
    expect(seen).toEqual(["a", "as it was", { n: 1 }]);
    expect(bus.getHistory({ topic: "a" })).toEqual([event]);
    expect(event.time).toEqual(expect.any(Number));
  });
});

describe("publish", () => {
  it("hands all handlers one and the same event", async () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    bus.subscribe("training.completed", (event) => seen.push(event));
    bus.subscribe("training.*", async (event) => seen.push(event));
    const { event } = await bus.publish("training.completed", { loss: 0.01 });
    expect(seen).toHaveLength(2);
    expect(seen.every((one) => one === event)).toBe(true);
    expect(bus.getHistory()[0]).toBe(event);
  });

  it("gives the event an identity, an origin and the publisher's words", async () => {
    const bus = createEventBus();
    const before = Date.now();
    const payload = { loss: 0.01 };
    const { event } = await bus.publish("training.completed", payload, {
      metadata: { host: "a" },
      source: "trainer",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect(event).toMatchObject({
      topic: "training.completed",
      metadata: { host: "a" },
      source: "trainer",
      via: [bus.id],
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect(event.payload).toBe(payload);
    expect(event.id).toMatch(UUID_V7);
    expect(event.correlationId).toBe(event.id);
    expect(event.causationId).toBeUndefined();
    expect(event.redelivered).toBeUndefined();
    expect(event.time).toBeGreaterThanOrEqual(before);
    expect(event.origin).toContain(String(process.pid));
  });

  it("gives each event an id of its own, ascending", async () => {
    const bus = createEventBus();
    const ids: string[] = [];
    for (let n = 0; n < 100; n += 1) ids.push((await bus.publish("a")).event.id);
    expect(new Set(ids).size).toBe(100);
    expect(ids.toSorted()).toEqual(ids);
  });

  it("keeps id, time and correlation between two looks, whenever the first is", async () => {
    const bus = createEventBus();
    const { event } = await bus.publish("a");
    await new Promise((resolve) => setTimeout(resolve, 5));
    const first = JSON.stringify(event);
    expect(JSON.parse(first)).toMatchObject({ id: event.id, time: event.time });
    expect(JSON.stringify(bus.getHistory()[0])).toBe(first);
  });

  it("takes the guide's object form, in which metadata alone is the payload too", async () => {
    const bus = createEventBus();
    const { event } = await bus.publish({ topic: "training.completed", metadata: { loss: 0.01 } });
    expect(event.metadata).toEqual({ loss: 0.01 });
    expect(event.payload).toEqual({ loss: 0.01 });
  });

  it("keeps payload and metadata of the object form apart when both are given", async () => {
    const bus = createEventBus();
    const { event } = await bus.publish({
      topic: "a",
      payload: 1,
      metadata: { by: "x" },
      source: "s",
      correlationId: "c",
    });
    expect([event.payload, event.metadata, event.source, event.correlationId]).toEqual([
      1,
      { by: "x" },
      "s",
      "c",
    ]);
  });

  it("starts the first handler before it returns", async () => {
    const bus = createEventBus();
    let started = false;
    bus.subscribe("a", () => {
      started = true;
    });
    const publish = bus.publish("a");
    expect(started).toBe(true);
    await publish;
  });

  it("resolves when every handler has settled, and counts those that succeeded", async () => {
    const bus = createEventBus({ onError: () => {} });
    const done: string[] = [];
    bus.subscribe("a", async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      done.push("slow");
    });
    bus.subscribe("a", () => Promise.reject(new Error("no")));
    bus.subscribe("a", () => done.push("sync"));
    const { delivered, errors } = await bus.publish("a");
    expect(done).toEqual(["slow", "sync"]);
    expect(delivered).toBe(2);
    expect(errors).toHaveLength(1);
  });

  it("delivers to nobody when nobody subscribed, and remembers the event", async () => {
    const bus = createEventBus();
    const delivery = await bus.publish("a", 1);
    expect(delivery).toMatchObject({ delivered: 0, errors: [] });
    expect(bus.getHistory()).toHaveLength(1);
  });

  it("refuses options that other processes would refuse later", async () => {
    const bus = createEventBus();
    await expect(bus.publish("a", 1, { source: 7 as never })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await expect(bus.publish("a", 1, { correlationId: "x".repeat(513) })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await expect(bus.publish("a", 1, { metadata: "m" as never })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await expect(bus.publish("a", 1, { onFailure: "log" as never })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    expect(bus.getHistory()).toEqual([]);
  });
});

describe("onFailure: throw", () => {
  it("rejects with an AggregateError of all failures after all handlers have settled", async () => {
    const bus = createEventBus();
    const ran: string[] = [];
    bus.subscribe("a", () => {
      throw new Error("one");
    });
    bus.subscribe("a", () => Promise.reject(new Error("two")));
    bus.subscribe("a", async () => ran.push("three"));
    const failure = await bus.publish("a", 1, { onFailure: "throw" }).catch((error) => error);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure.code).toBe("HANDLER_FAILED");
    expect(failure.errors.map((error: HandlerError) => (error.cause as Error).message)).toEqual([
      "one",
      "two",
    ]);
    expect(ran).toEqual(["three"]);
  });

  it("resolves as usual when nothing fails", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => {});
    expect((await bus.publish("a", 1, { onFailure: "throw" })).delivered).toBe(1);
  });

  it("works in the object form", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => Promise.reject(new Error("no")));
    await expect(bus.publish({ topic: "a", onFailure: "throw" })).rejects.toMatchObject({
      code: "HANDLER_FAILED",
    });
  });
});

describe("publishSync", () => {
  it("calls every handler before it returns and says how many it called", () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.subscribe("a", (event) => seen.push(event.payload));
    bus.subscribe("*", async (event) => seen.push(event.payload * 2));
    expect(bus.publishSync("a", 1)).toBe(2);
    expect(seen).toEqual([1, 2]);
    expect(bus.publishSync("b.c")).toBe(0);
  });

  it("writes history", () => {
    const bus = createEventBus();
    bus.publishSync("a", 1);
    expect(bus.getHistory()).toMatchObject([{ topic: "a", payload: 1 }]);
  });

  it("takes the object form", () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    bus.subscribe("a", (event) => seen.push(event.payload));
    expect(bus.publishSync({ topic: "a", metadata: { step: 10 } })).toBe(1);
    expect(seen).toEqual([{ step: 10 }]);
  });

  it("tracks asynchronous handlers: drain waits for them and their failures are reported", async () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error.cause) });
    let finished = false;
    bus.subscribe("a", async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      finished = true;
      throw new Error("late");
    });
    bus.publishSync("a");
    expect(finished).toBe(false);
    expect(await bus.drain()).toEqual({ drained: true, left: 0 });
    expect(finished).toBe(true);
    expect(failures).toEqual([new Error("late")]);
  });

  it("goes on to the next handler when one throws", () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error.cause) });
    let reached = false;
    bus.subscribe("a", () => {
      throw new Error("first");
    });
    bus.subscribe("a", () => {
      reached = true;
    });
    expect(bus.publishSync("a")).toBe(2);
    expect(reached).toBe(true);
    expect(failures).toEqual([new Error("first")]);
  });
});
