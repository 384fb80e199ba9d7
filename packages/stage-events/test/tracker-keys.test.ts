import { createLineage } from "@ringrift/envelope";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createStageEventBus, trackPipeline } from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { orderPipeline, trackedOrders } from "./orders.ts";
import { warningsOf } from "./past.ts";

const keysOf = (tracker: { states(): ReadonlyMap<string, unknown> }) => [
  ...tracker.states().keys(),
];

describe("a key that is forgotten", () => {
  it("is gone with its timer", async () => {
    const { clock, emit, tracker, stalls } = trackedOrders({ stallAfterMs: { packing: 300 } });
    await emit("picked", "A-1");
    await emit("picked", "A-2");
    expect(tracker.forget("A-1")).toBe(true);
    expect(tracker.state("A-1")).toBeUndefined();
    expect(keysOf(tracker)).toEqual(["A-2"]);
    clock.pass(300);
    expect(stalls.map(({ key }) => key)).toEqual(["A-2"]);
    expect(tracker.stats()).toMatchObject({ keys: 1, dropped: { done: 0, running: 0 } });
  });

  it("is not one that nobody has heard of", () => {
    const { tracker } = trackedOrders();
    expect(tracker.forget("A-1")).toBe(false);
  });

  it("begins anew with its first phase", async () => {
    const { emit, tracker, illegal } = trackedOrders();
    await emit("picked", "A-1");
    await emit("packed", "A-1");
    tracker.forget("A-1");
    await emit("picked", "A-1");
    expect(tracker.state("A-1")).toMatchObject({ stage: "packing", done: false });
    expect(illegal).toEqual([]);
  });

  it("and comes back in its middle has skipped nothing that anybody knows of", async () => {
    const { emit, tracker, illegal } = trackedOrders();
    await emit("picked", "A-1");
    tracker.forget("A-1");
    await emit("packed", "A-1");
    expect(illegal).toMatchObject([{ reason: "unknown", key: "A-1", stage: "packed" }]);
    expect(illegal[0]?.message).toBe(
      'Pipeline "A-1" is in its middle with "packed", and what came before was not heard. It goes on from there.',
    );
    expect(tracker.state("A-1")).toMatchObject({ done: true });
  });

  it("is not brought back by an event that comes again", async () => {
    const { stages, tracker } = trackedOrders();
    const lineage = createLineage();
    const packed = { stage: "packed", success: true, orderId: "A-1" } as const;
    await stages.emit(packed, { lineage });
    tracker.forget("A-1");
    await stages.emit(packed, { lineage });
    expect(tracker.state("A-1")).toBeUndefined();
    expect(tracker.stats().duplicates).toBe(1);
  });
});

describe("the keys of a tracker", () => {
  it("are bounded: one that is done leaves first, the one that was done first of all", async () => {
    const { emit, tracker, dropped } = trackedOrders({ maxKeys: 3 });
    await emit("picked", "A-1");
    for (const order of ["A-2", "A-3"]) await emit("picked", order);
    await emit("packed", "A-3");
    await emit("packed", "A-2");
    await emit("picked", "A-4");
    expect(keysOf(tracker)).toEqual(["A-1", "A-2", "A-4"]);
    await emit("picked", "A-5");
    expect(keysOf(tracker)).toEqual(["A-1", "A-4", "A-5"]);
    expect(dropped).toMatchObject([
      { key: "A-3", reason: "done", state: { stage: "packing", done: true } },
      { key: "A-2", reason: "done" },
    ]);
    expect(tracker.stats()).toMatchObject({ keys: 3, done: 0, dropped: { done: 2, running: 0 } });
  });

  it("lose the one that moved longest ago when none is done, and its timer", async () => {
    const { clock, emit, tracker, dropped, stalls } = trackedOrders({
      maxKeys: 2,
      stallAfterMs: { packing: 300 },
    });
    await emit("picking_started", "A-1");
    await emit("picked", "A-2");
    await emit("picked", "A-1");
    await emit("picked", "A-3");
    expect(dropped).toMatchObject([{ key: "A-2", reason: "running", state: { stage: "packing" } }]);
    expect(dropped[0]?.message).toContain('Pipeline "A-2" was dropped in "packing"');
    clock.pass(300);
    expect(stalls.map(({ key }) => key)).toEqual(["A-1", "A-3"]);
    expect(tracker.stats().dropped).toEqual({ done: 0, running: 1 });
  });

  it("are not moved by what comes late", async () => {
    const { emit, tracker } = trackedOrders({ maxKeys: 2 });
    await emit("packed", "A-1");
    await emit("packed", "A-2");
    await emit("picked", "A-1");
    await emit("picked", "A-3");
    expect(keysOf(tracker)).toEqual(["A-2", "A-3"]);
  });

  it("are ten thousand at most unless somebody says otherwise", async () => {
    const { emit, tracker } = trackedOrders();
    for (let n = 0; n < 10_050; n += 1) await emit("packed", `A-${n}`);
    expect(tracker.stats()).toMatchObject({ keys: 10_000, dropped: { done: 50, running: 0 } });
    expect(tracker.state("A-49")).toBeUndefined();
    expect(tracker.state("A-50")).toMatchObject({ done: true });
  });

  it("are dropped with one process warning until there is room again, where nobody asked for it", async () => {
    const warnings = warningsOf(onTestFinished);
    const stages = createStageEventBus({ pipeline: orderPipeline });
    using tracker = trackPipeline(stages, { maxKeys: 2, clock: new FakeClock() });
    const pick = async (...orders: number[]) => {
      for (const n of orders) {
        await stages.emit({ stage: "picked", success: true, orderId: `A-${n}` });
      }
    };
    const told = async (count: number) => {
      await vi.waitFor(() => expect(warnings).toHaveLength(count));
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(warnings).toHaveLength(count);
    };
    await pick(1, 2, 3, 4, 5);
    await told(1);
    expect(warnings[0]?.code).toBe("RINGRIFT_PIPELINE_DROPPED");
    expect(warnings[0]?.text).toContain('Raise "maxKeys"');
    tracker.forget("A-4");
    await pick(6, 7, 8);
    await told(2);
    // One that is done is no loss, and makes room.
    await stages.emit({ stage: "packed", success: true, orderId: "A-7" });
    await pick(9);
    await told(2);
    await pick(10);
    await told(3);
    expect(tracker.stats().dropped).toEqual({ done: 1, running: 6 });
  });

  it("are told one by one to who asks for it, whose failure doesn't stop the step", async () => {
    const stages = createStageEventBus({ pipeline: orderPipeline, onError: () => {} });
    const transitions: string[] = [];
    using tracker = trackPipeline(stages, {
      maxKeys: 1,
      onDrop: () => {
        throw new Error("pager is down");
      },
      onTransition: ({ key }) => transitions.push(key),
    });
    await stages.emit({ stage: "picked", success: true, orderId: "A-1" });
    const { errors } = await stages.emit({ stage: "picked", success: true, orderId: "A-2" });
    expect(errors.map(({ cause }) => cause)).toEqual([new Error("pager is down")]);
    expect(transitions).toEqual(["A-1", "A-2"]);
    expect(tracker.state("A-2")).toMatchObject({ stage: "packing" });
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "10"])(
    "cannot be bounded by %s",
    (maxKeys) => {
      const stages = createStageEventBus();
      expect(() => trackPipeline(stages, { maxKeys: maxKeys as number })).toThrow(
        expect.objectContaining({
          code: "INVALID_OPTION",
          message: expect.stringContaining(`"${maxKeys}"`),
        }),
      );
    },
  );
});

describe("a tracker", () => {
  it("refuses an option that it doesn't know", () => {
    const stages = createStageEventBus();
    const options = { maxKey: 10 };
    // @ts-expect-error it has another name
    expect(() => trackPipeline(stages, options)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining('"maxKey" is unknown'),
      }),
    );
  });
});
