import { createEventBus } from "@ringrift/core-bus";
import { defineCatalogue, event, named } from "@ringrift/mappings";
import { describe, expect, it } from "vitest";
import { createStageEventBus, definePipeline, trackPipeline } from "../src/index.ts";
import { orderPipeline, trackedOrders } from "./orders.ts";

describe("a pipeline that ends", () => {
  it("is done with its terminal phase, and stays there", async () => {
    const { clock, emit, tracker, illegal } = trackedOrders();
    await emit("picked", "A-1");
    clock.pass(30);
    await emit("packed", "A-1");
    expect(tracker.state("A-1")).toEqual({
      stage: "packing",
      iteration: 1,
      since: clock.now(),
      durations: { packing: 30 },
      stalled: false,
      failure: undefined,
      done: true,
    });
    expect(tracker.stats()).toMatchObject({ keys: 1, done: 1, transitions: 2 });
    expect(illegal).toEqual([]);
  });

  it("never stalls when it is done", async () => {
    const { clock, emit, tracker, stalls } = trackedOrders({
      stallAfterMs: { picking: 300, packing: 300 },
    });
    await emit("picked", "A-1");
    await emit("packed", "A-1");
    expect(clock.pending).toBe(0);
    clock.pass(1e9);
    expect(stalls).toEqual([]);
    expect(tracker.state("A-1")).toMatchObject({ done: true, stalled: false });
  });

  it("is done with a terminal stage that is a failure, and says why", async () => {
    const { emit, stages, tracker } = trackedOrders();
    await emit("picked", "A-1");
    await emit("damaged", "A-1");
    expect(tracker.state("A-1")).toMatchObject({
      stage: "packing",
      iteration: 1,
      done: true,
      failure: { stage: "damaged", rejected: false },
    });
    // The completion without success leaves the bus under the same topic.
    await emit("picked", "A-2");
    await stages.emit({ stage: "packed", success: false, orderId: "A-2", error: "fell" });
    expect(tracker.state("A-2")).toMatchObject({ done: true, failure: { error: "fell" } });
  });

  it("is not done with a failure that isn't terminal", async () => {
    const { emit, tracker } = trackedOrders();
    await emit("picking_failed", "A-1");
    expect(tracker.state("A-1")).toMatchObject({ stage: "picking", done: false });
    expect(tracker.stats().done).toBe(0);
  });

  it("takes nothing that comes later for a new run, and reports it", async () => {
    const { clock, emit, tracker, illegal, stalls } = trackedOrders({
      stallAfterMs: { packing: 1 },
    });
    await emit("packed", "A-1");
    illegal.length = 0;
    const before = tracker.state("A-1");
    await emit("picked", "A-1");
    await emit("damaged", "A-1");
    expect(illegal.map(({ reason, stage }) => [reason, stage])).toEqual([
      ["late", "picked"],
      ["late", "damaged"],
    ]);
    expect(illegal[0]?.message).toBe(
      'Pipeline "A-1" was done with "packing" of iteration 1 when "picked" came. It changes nothing: forget("A-1") lets it begin anew, and so does a higher iteration.',
    );
    clock.pass(1000);
    expect(tracker.state("A-1")).toEqual(before);
    expect(stalls).toEqual([]);
  });

  it("begins anew with an iteration of a higher number", async () => {
    const { clock, emit, tracker, illegal, stalls } = trackedOrders({
      stallAfterMs: { packing: 9 },
    });
    await emit("picked", "A-1", { iteration: 1 });
    await emit("packed", "A-1", { iteration: 1 });
    await emit("picked", "A-1", { iteration: 2 });
    expect(tracker.state("A-1")).toMatchObject({ stage: "packing", iteration: 2, done: false });
    clock.pass(9);
    expect(stalls).toMatchObject([{ key: "A-1", iteration: 2 }]);
    await emit("packed", "A-1", { iteration: 2 });
    expect(tracker.state("A-1")).toMatchObject({ iteration: 2, done: true, stalled: false });
    await emit("packed", "A-1", { iteration: 4 });
    expect(illegal).toMatchObject([{ reason: "skipped", stage: "packed" }]);
  });

  it("lets a continuous phase go on next to it, for the next run", async () => {
    const pipeline = definePipeline({
      stages: { feeding: { complete: "fed", continuous: true }, milking: { complete: "milked" } },
      order: ["feeding", "milking"],
      terminal: "milking",
      key: "cow",
    });
    const stages = createStageEventBus({ pipeline });
    const illegal: string[] = [];
    using tracker = trackPipeline(stages, { onIllegal: ({ reason }) => illegal.push(reason) });
    for (const stage of ["fed", "milked", "fed"] as const) {
      await stages.emit({ stage, success: true, cow: "Berta" });
    }
    expect(tracker.state("Berta")).toMatchObject({ stage: "milking", done: true });
    await stages.emit({ stage: "milked", success: true, cow: "Berta", iteration: 2 });
    expect(tracker.state("Berta")).toMatchObject({ iteration: 2, done: true });
    expect(illegal).toEqual([]);
  });

  it("may end in the middle, by a stage, and by a rejection that has only a topic", async () => {
    const catalogue = defineCatalogue({
      "ingest.completed": named<{ videoId: string }>()({
        stages: ["ingest_complete"],
        failure: "ingest.failed",
        rejection: "ingest.rejected",
      }),
      "ingest.failed": event<{ videoId: string; error: string }>(),
      "ingest.rejected": event<{ videoId: string }>(),
      "check.completed": named<{ videoId: string }>()({
        stages: ["check_complete"],
        failure: "ingest.failed",
      }),
      "publish.completed": named<{ videoId: string }>()({
        stages: ["publish_complete"],
        failure: "ingest.failed",
      }),
    });
    const pipeline = definePipeline({
      catalogue,
      stages: {
        ingest: { complete: "ingest_complete" },
        check: { complete: "check_complete" },
        publish: { complete: "publish_complete" },
      },
      order: ["ingest", "check", "publish"],
      terminal: ["check_complete", "ingest.rejected"],
      key: "videoId",
    });
    const bus = createEventBus({ events: catalogue.topics });
    using tracker = trackPipeline({ bus, catalogue, pipeline });
    await bus.publish("ingest.completed", { videoId: "v1" });
    await bus.publish("check.completed", { videoId: "v1" });
    expect(tracker.state("v1")).toMatchObject({ stage: "check", done: true });
    await bus.publish("ingest.rejected", { videoId: "v2" });
    expect(tracker.state("v2")).toMatchObject({
      stage: "ingest",
      iteration: 1,
      done: true,
      failure: { stage: "ingest.rejected", rejected: true },
    });
    await bus.publish("ingest.failed", { videoId: "v3", error: "no file" });
    expect(tracker.state("v3")).toMatchObject({ stage: "ingest", done: false });
  });

  it("knows what ends it", () => {
    expect([...orderPipeline.terminal]).toEqual(["packing.completed", "packing.failed"]);
  });
});
