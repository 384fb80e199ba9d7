import { defineCatalogue, named } from "@ringrift/mappings";
import { describe, expectTypeOf, it } from "vitest";
import {
  createStageEventBus,
  definePipeline,
  type StageEventBus,
  trackPipeline,
} from "../src/index.ts";

const stages = createStageEventBus();

const shop = defineCatalogue({
  "parcel.sent": named<{ id: string }>()({ stages: ["shipped"], failure: "parcel.lost" }),
  "parcel.lost": named<{ where: string }>()({ stages: ["lost"] }),
});

const orders = definePipeline({
  stages: { picking: { complete: "picked" }, packing: { complete: ["packed"], failed: "damaged" } },
  order: ["picking", "packing"],
  key: "orderId",
});

const emitForeignField = () =>
  stages.emit({
    stage: "training_complete",
    success: true,
    // @ts-expect-error games are synced by a sync
    gamesSynced: 4,
  });

describe("a handler", () => {
  it("gets the fields of its stage's topic, its stage as a literal, and the event behind it", () => {
    stages.subscribe("training_complete", (result, event) => {
      expectTypeOf(result.stage).toEqualTypeOf<"training_complete">();
      expectTypeOf(result.success).toEqualTypeOf<boolean>();
      expectTypeOf(result.error).toEqualTypeOf<string | undefined>();
      expectTypeOf(result.modelPath).toEqualTypeOf<string | undefined>();
      expectTypeOf(event.id).toEqualTypeOf<string>();
      expectTypeOf(event.topic).toEqualTypeOf<"training_complete">();
    });
  });

  it("of a catalogue's stage gets the fields of success and of failure", () => {
    createStageEventBus({ catalogue: shop }).subscribe("shipped", (result) => {
      expectTypeOf(result.id).toEqualTypeOf<string | undefined>();
      expectTypeOf(result.where).toEqualTypeOf<string | undefined>();
    });
  });
});

describe("a pipeline", () => {
  it("types its stage bus and its phases", () => {
    const bus = createStageEventBus({ pipeline: orders });
    type Stage = typeof bus extends StageEventBus<infer C> ? keyof C : never;
    expectTypeOf<Stage>().toEqualTypeOf<"damaged" | "packed" | "picked" | "picking_failed">();
    const state = trackPipeline(bus).state("7");
    expectTypeOf(state?.stage).toEqualTypeOf<"packing" | "picking" | undefined>();
  });

  it("may be ended by its phases, by stages, and by topics of its catalogue", () => {
    const over = { catalogue: shop, stages: { sending: { complete: "shipped" } } } as const;
    const sending = definePipeline({ ...over, order: ["sending"], terminal: ["sending", "lost"] });
    definePipeline({ ...over, order: ["sending"], terminal: "parcel.lost" });
    expectTypeOf(
      trackPipeline(createStageEventBus({ pipeline: sending })).state("7")?.stage,
    ).toEqualTypeOf<"sending" | undefined>();
    // @ts-expect-error a typo
    expectTypeOf(definePipeline({ ...over, order: ["sending"], terminal: ["lots"] })).toBeObject();
  });

  it("of the guide is the default", () => {
    const tracker = trackPipeline(stages, { stallAfterMs: { training: 60_000 } });
    expectTypeOf(tracker.state("k")?.stage).toEqualTypeOf<
      "evaluation" | "promotion" | "selfplay" | "sync" | "training" | undefined
    >();
  });
});

describe("mistakes that don't compile", () => {
  it("a stage that doesn't exist", () => {
    // @ts-expect-error a data-tier name
    expectTypeOf(stages.emit({ stage: "training_completed", success: true })).toBeObject();
    // @ts-expect-error a topic
    expectTypeOf(stages.subscribe("training.completed", () => {})).toBeObject();
  });

  it("a result without success", () => {
    // @ts-expect-error success is missing
    expectTypeOf(stages.emit({ stage: "training_complete" })).toBeObject();
  });

  it("a field of another stage", () => {
    expectTypeOf(emitForeignField).toBeFunction();
  });

  it("a metric that is no number", () => {
    expectTypeOf(stages.emit).toBeCallableWith({
      stage: "training_complete",
      success: true,
      // @ts-expect-error metrics are numbers
      metrics: { loss: "low" },
    });
  });

  it("a limit for what is no phase", () => {
    // @ts-expect-error a stage, not a phase
    expectTypeOf(trackPipeline(stages, { stallAfterMs: { sync_complete: 1 } })).toBeObject();
  });
});
