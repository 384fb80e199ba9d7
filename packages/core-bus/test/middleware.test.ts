import { describe, expect, it, vi } from "vitest";
import { createEventBus, type Middleware } from "../src/index.ts";

describe("middleware", () => {
  it("stands around the delivery, the first that was added outermost", async () => {
    const bus = createEventBus();
    const steps: string[] = [];
    const named =
      (name: string): Middleware =>
      async (_event, next) => {
        steps.push(`${name} before`);
        await next();
        steps.push(`${name} after`);
      };
    bus.use(named("outer"));
    bus.use(named("inner"));
    bus.subscribe("a", async () => {
      await Promise.resolve();
      steps.push("handler");
    });
    const { delivered } = await bus.publish("a");
    expect(delivered).toBe(1);
    expect(steps).toEqual([
      "outer before",
      "inner before",
      "handler",
      "inner after",
      "outer after",
    ]);
  });

  it("delivers at once in a publishSync when it is synchronous", () => {
    const bus = createEventBus();
    const steps: string[] = [];
    bus.use((_event, next) => {
      steps.push("before");
      void next();
      steps.push("after");
    });
    bus.subscribe("a", () => steps.push("handler"));
    expect(bus.publishSync("a")).toBe(1);
    expect(steps).toEqual(["before", "handler", "after"]);
  });

  it("that does not call next vetoes: nobody is called, nothing is kept, and it is counted", async () => {
    const bus = createEventBus();
    const dropped: string[] = [];
    bus.signals.on("dropped", ({ reason, event }) => dropped.push(`${reason} ${event.topic}`));
    bus.use((event, next) => (event.topic === "secret" ? undefined : next()));
    let calls = 0;
    bus.subscribe("**", () => (calls += 1));
    expect(await bus.publish("secret")).toMatchObject({ delivered: 0, dropped: "vetoed" });
    expect(bus.publishSync("secret")).toBe(0);
    expect(await bus.publish("open")).toMatchObject({ delivered: 1 });
    expect(calls).toBe(1);
    expect(bus.stats()).toMatchObject({ published: 1, dropped: { vetoed: 2 } });
    expect(bus.getHistory().map(({ topic }) => topic)).toEqual(["open"]);
    expect(dropped).toEqual(["vetoed secret", "vetoed secret"]);
  });

  it("gives its error to the publisher", async () => {
    const bus = createEventBus();
    bus.use(() => {
      throw new Error("not allowed");
    });
    await expect(bus.publish("a")).rejects.toThrow("not allowed");
    expect(() => bus.publishSync("a")).toThrow("not allowed");
    expect(bus.stats()).toMatchObject({ published: 0, pending: 0 });
  });

  it("may call next only once, and not when it has ended", async () => {
    const bus = createEventBus();
    let late: (() => Promise<void>) | undefined;
    const remove = bus.use(async function twice(_event, next) {
      await next();
      await next();
    });
    await expect(bus.publish("a")).rejects.toMatchObject({ code: "MIDDLEWARE_MISUSE" });
    remove();
    bus.use((_event, next) => {
      late = next;
    });
    expect(await bus.publish("a")).toMatchObject({ dropped: "vetoed" });
    expect(late).toThrow(expect.objectContaining({ code: "MIDDLEWARE_MISUSE" }));
  });

  it("is waited for by the publish even if it does not wait for next itself", async () => {
    const bus = createEventBus();
    bus.use((_event, next) => void next());
    let done = false;
    bus.subscribe("a", async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      done = true;
    });
    await bus.publish("a");
    expect(done).toBe(true);
  });

  it("can be for one topic or pattern only, and be removed", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    const note: Middleware = (event, next) => {
      seen.push(event.topic);
      return next();
    };
    const removeOne = bus.use(note, { topic: "a.*" });
    await bus.publish("a.b");
    await bus.publish("b");
    removeOne();
    await bus.publish("a.b");
    expect(seen).toEqual(["a.b"]);
    expect(() => bus.use(note, { topic: "a..b*" })).toThrow(
      expect.objectContaining({ code: "INVALID_PATTERN" }),
    );
    expect(() => bus.use("x" as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });

  it("that is asynchronous delays a publishSync, whose delivery drain waits for", async () => {
    const bus = createEventBus();
    bus.use(async (_event, next) => {
      await Promise.resolve();
      await next();
    });
    const seen: unknown[] = [];
    bus.subscribe("a", ({ payload }) => seen.push(payload));
    expect(bus.publishSync("a", 7)).toBe(0);
    expect(seen).toEqual([]);
    expect(await bus.drain()).toEqual({ drained: true, left: 0 });
    expect(seen).toEqual([7]);
  });

  it("that fails behind a publishSync becomes a process warning", async () => {
    const bus = createEventBus();
    bus.use(async () => {
      await Promise.resolve();
      throw new Error("too late to tell");
    });
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
    bus.publishSync("a");
    await bus.drain();
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining("too late to tell"),
      expect.objectContaining({ code: "RINGRIFT_MIDDLEWARE_ERROR" }),
    );
    warn.mockRestore();
  });

  it("publishes as part of the event's trail, and cannot publish without end", async () => {
    const bus = createEventBus({ maxDepth: 5 });
    const audit = bus.use(async (event, next) => {
      if (event.topic !== "audit") await bus.publish("audit");
      await next();
    });
    const { event } = await bus.publish("a");
    expect(bus.getHistory({ topic: "audit" })[0]).toMatchObject({
      causationId: event.id,
      correlationId: event.correlationId,
    });
    audit();
    bus.use(async (_event, next) => {
      await bus.publish("again");
      await next();
    });
    await expect(bus.publish("a")).rejects.toMatchObject({ code: "DEPTH_EXCEEDED" });
  });

  it("reports handlers' failures as ever", async () => {
    const errors: unknown[] = [];
    const bus = createEventBus({ onError: (error) => errors.push(error.cause) });
    bus.use((_event, next) => next());
    bus.subscribe("a", () => {
      throw new Error("handler");
    });
    const delivery = await bus.publish("a");
    expect(delivery.errors).toHaveLength(1);
    expect(errors).toEqual([new Error("handler")]);
    await expect(bus.publish("a", 1, { onFailure: "throw" })).rejects.toMatchObject({
      code: "HANDLER_FAILED",
    });
  });
});
