import { describe, expect, it } from "vitest";
import { createEventBus, type HandlerError } from "../src/index.ts";

const never = (): Promise<void> => new Promise(() => {});

describe("handlerTimeoutMs", () => {
  it("lets a delivery go on without a handler that hangs, and says which", async () => {
    const errors: HandlerError[] = [];
    const bus = createEventBus({ handlerTimeoutMs: 20, onError: (error) => errors.push(error) });
    let after = 0;
    bus.subscribe("a", never, { name: "stuck" });
    bus.subscribe("a", () => (after += 1));
    const { delivered } = await bus.publish("a");
    expect([delivered, after]).toEqual([1, 1]);
    expect(errors.map(({ cause }) => (cause as { code: string }).code)).toEqual([
      "HANDLER_TIMEOUT",
    ]);
    expect(errors[0]!.message).toContain('"stuck"');
    expect(bus.stats()).toMatchObject({ failed: 1, pending: 0 });
  });

  it("holds in parallel and for publishSync, and lets drain end", async () => {
    const bus = createEventBus({ handlerTimeoutMs: 20, delivery: "parallel", onError: () => {} });
    bus.subscribe("a", never);
    bus.subscribe("a", async () => {});
    expect(await bus.publish("a")).toMatchObject({ delivered: 1, errors: [expect.anything()] });
    expect(bus.publishSync("a")).toBe(2);
    expect(await bus.drain({ timeoutMs: 10_000 })).toEqual({ drained: true, left: 0 });
    expect(bus.stats()).toMatchObject({ delivered: 2, failed: 2 });
  });

  it("still reports what such a handler fails with later", async () => {
    const causes: unknown[] = [];
    const bus = createEventBus({
      handlerTimeoutMs: 10,
      onError: ({ cause }) => causes.push(cause),
    });
    const work = Promise.withResolvers<void>();
    bus.subscribe("a", () => work.promise);
    await bus.publish("a");
    work.reject(new Error("later"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(causes).toHaveLength(2);
    expect(causes[1]).toEqual(new Error("later"));
  });

  it("holds for a subscription that catches up, so that no publish waits behind it for good", async () => {
    const codes: unknown[] = [];
    const bus = createEventBus({
      handlerTimeoutMs: 20,
      onError: ({ cause }) => codes.push((cause as { code: string }).code),
    });
    await bus.publish("a", 1);
    bus.subscribe("a", (event) => (event.payload === 3 ? undefined : never()), { replay: true });
    const deliveries = await Promise.all([bus.publish("a", 2), bus.publish("a", 3)]);
    expect(deliveries.map(({ delivered }) => delivered)).toEqual([0, 1]);
    expect(codes).toEqual(["HANDLER_TIMEOUT", "HANDLER_TIMEOUT"]);
    expect(await bus.replay(never)).toBe(0);
  });

  it("isn't for publishers that wait for a place in a stream, which nobody has failed to give", async () => {
    const errors: HandlerError[] = [];
    const bus = createEventBus({ handlerTimeoutMs: 5, onError: (error) => errors.push(error) });
    const stream = bus.stream("a", { bufferSize: 1, overflow: "wait" });
    await bus.publish("a", 1);
    let through = false;
    const publish = bus.publish("a", 2).finally(() => (through = true));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([through, stream.buffered]).toEqual([false, 2]);
    await stream.next();
    expect(await publish).toMatchObject({ delivered: 1, errors: [] });
    expect([errors, bus.stats().failed]).toEqual([[], 0]);
  });

  it("leaves handlers in peace that are in time", async () => {
    const bus = createEventBus({ handlerTimeoutMs: 60_000 });
    bus.subscribe("a", async () => {});
    expect(await bus.publish("a")).toMatchObject({ delivered: 1, errors: [] });
  });

  it("is refused when it is no time", () => {
    for (const handlerTimeoutMs of [0, -1, Number.NaN, 2 ** 31]) {
      expect(() => createEventBus({ handlerTimeoutMs })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
  });
});
