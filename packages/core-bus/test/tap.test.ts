import { describe, expect, it, vi } from "vitest";
import { createEventBus, type HandlerError, settled } from "../src/index.ts";

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
