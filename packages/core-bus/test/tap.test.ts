import { describe, expect, it, vi } from "vitest";
import { createEventBus, type HandlerError, isQuiet, quiet, settled } from "../src/index.ts";

describe("a tap", () => {
  it("starts first and holds no handler up, though the publish waits for it", async () => {
    const bus = createEventBus();
    const steps: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    bus.subscribe("a", () => steps.push("handler"));
    bus.subscribe(
      "a",
      async () => {
        steps.push("tap starts");
        await promise;
        steps.push("tap ends");
      },
      { tap: true, priority: 1 },
    );
    const publish = bus.publish("a").then(() => steps.push("published"));
    await vi.waitFor(() => expect(steps).toContain("handler"));
    resolve();
    await publish;
    expect(steps).toEqual(["tap starts", "handler", "tap ends", "published"]);
  });

  it("is not counted as a handler, by either publish, but its failure is reported", async () => {
    const onError = vi.fn<(error: HandlerError) => void>();
    const bus = createEventBus({ onError });
    bus.subscribe("a", () => undefined);
    bus.subscribe("a", () => undefined, { tap: true });
    bus.subscribe("a", () => Promise.reject(new Error("disk")), { tap: true });
    const { delivered, errors } = await bus.publish("a");
    expect([delivered, errors.length]).toEqual([1, 1]);
    expect(bus.publishSync("a")).toBe(1);
    await bus.drain();
    expect(onError).toHaveBeenCalledTimes(2);
  });
});

describe("settled", () => {
  it("resolves when the publish of the event has settled, and at once afterwards", async () => {
    const bus = createEventBus();
    const { promise, resolve } = Promise.withResolvers<void>();
    const steps: string[] = [];
    bus.subscribe("a", (event) => {
      void settled(event).then(() => steps.push("settled"));
      return promise.then(() => steps.push("handler"));
    });
    const publish = bus.publish("a");
    resolve();
    const { event } = await publish;
    await settled(event);
    expect(steps).toEqual(["handler", "settled"]);
  });
});

describe("a quiet error", () => {
  it("is among the errors of the publish and counted, and nobody else is told of it", async () => {
    const onError = vi.fn();
    const bus = createEventBus({ onError });
    bus.signals.on("error", onError);
    const known = quiet(new Error("known already"));
    const fail = (): never => {
      throw known;
    };
    bus.subscribe("a", fail, { tap: true });
    bus.subscribe("a", () => Promise.reject(known), { tap: true });
    const { errors } = await bus.publish("a");
    expect(errors.map(({ cause }) => cause)).toEqual([known, known]);
    bus.publishSync("a");
    await bus.drain();
    expect(onError).not.toHaveBeenCalled();
    expect(bus.stats().failed).toBe(4);
    expect([isQuiet(known), isQuiet(new Error("new")), isQuiet(undefined)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
