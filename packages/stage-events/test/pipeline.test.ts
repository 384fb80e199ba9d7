import { defineCatalogue, named, selfplayCatalogue, validateMappings } from "@ringrift/mappings";
import { describe, expect, it } from "vitest";
import {
  createStageEventBus,
  definePipeline,
  selfplayPipeline,
  StageEventsError,
  trackPipeline,
} from "../src/index.ts";

const orders = definePipeline({
  stages: {
    picking: { complete: ["picked", "picked_by_robot"], started: "picking_started" },
    packing: { complete: "packed", failed: "damaged", rejected: "returned" },
  },
  order: ["picking", "packing"],
  key: "orderId",
});

const refusal = (define: () => unknown): string => {
  try {
    define();
  } catch (error) {
    if (error instanceof StageEventsError && error.code === "INVALID_PIPELINE")
      return error.message;
    throw error;
  }
  return "none";
};

describe("the self-play pipeline", () => {
  it("goes from self-play by sync, training and evaluation to promotion", () => {
    expect(selfplayPipeline.order).toEqual([
      "selfplay",
      "sync",
      "training",
      "evaluation",
      "promotion",
    ]);
  });

  it.each([
    ["gpu_selfplay_complete", "selfplay", "completed"],
    ["selfplay_failed", "selfplay", "failed"],
    ["cluster_sync_complete", "sync", "completed"],
    ["sync_failed", "sync", "failed"],
    ["training_started", "training", "started"],
    ["training_complete", "training", "completed"],
    ["training_failed", "training", "failed"],
    ["evaluation_failed", "evaluation", "failed"],
    ["tier_gating_complete", "promotion", "completed"],
    ["promotion_rejected", "promotion", "rejected"],
    ["promotion_failed", "promotion", "failed"],
  ])("knows %s as %s %s", (stage, phase, meaning) => {
    expect(selfplayPipeline.phaseOf(stage)).toEqual({ phase, meaning });
  });

  it("leaves stages beside it alone", () => {
    expect(selfplayPipeline.phaseOf("cmaes_complete")).toBeUndefined();
    expect(selfplayPipeline.phaseOf("constructor")).toBeUndefined();
  });

  it("is keyed by the configuration", () => {
    expect(selfplayPipeline.keyOf({ configKey: "hex7_2p" })).toBe("hex7_2p");
    expect(selfplayPipeline.keyOf({})).toBe("default");
  });
});

describe("a pipeline without a catalogue", () => {
  it("makes a sound one of its own", () => {
    expect(validateMappings(orders.catalogue)).toEqual([]);
    expect(orders.catalogue.entryForStage("picked_by_robot")?.topic).toBe("picking.completed");
  });

  it("names a failure after its phase unless it is given a name", () => {
    expect(orders.phaseOf("picking_failed")).toEqual({ phase: "picking", meaning: "failed" });
    expect(orders.phaseOf("damaged")).toEqual({ phase: "packing", meaning: "failed" });
    expect(orders.phaseOf("returned")).toEqual({ phase: "packing", meaning: "rejected" });
  });

  it("runs on a stage bus with a tracker", async () => {
    const stages = createStageEventBus({ pipeline: orders });
    using tracker = trackPipeline(stages);
    await stages.emit({ stage: "picking_started", success: true, orderId: 7 });
    await stages.emit({ stage: "picked_by_robot", success: true, orderId: 7, robot: "r2" });
    expect(tracker.state("7")).toMatchObject({ stage: "packing", iteration: 1 });
    await stages.emit({ stage: "packed", success: false, orderId: 7 });
    expect(tracker.state("7")).toMatchObject({ stage: "picking", failure: { rejected: true } });
  });
});

describe("a pipeline over a catalogue", () => {
  const shop = defineCatalogue({
    "order.picked": named<{ id: string }>()({ stages: ["picked"] }),
    "order.packed": named<{ id: string }>()({ stages: ["packed"] }),
    "order.failed": named<{ id: string }>()({ stages: ["order_failed"] }),
  });

  it("takes a failure that its phases share for one of the phase that is running", async () => {
    const pipeline = definePipeline({
      catalogue: shop,
      stages: { picking: { complete: "picked" }, packing: { complete: "packed" } },
      order: ["picking", "packing"],
      key: (result) => result["id"],
    });
    const stages = createStageEventBus({ pipeline });
    using tracker = trackPipeline(stages);
    await stages.emit({ stage: "picked", success: true, id: "a" });
    await stages.emit({ stage: "order_failed", success: false, id: "a", error: "fell" });
    expect(tracker.state("a")).toMatchObject({ stage: "packing", failure: { error: "fell" } });
  });
});

describe("definePipeline refuses", () => {
  const picking = { complete: "picked" };

  it("an order without phases", () => {
    expect(refusal(() => definePipeline({ stages: {}, order: [] }))).toContain("order is empty");
  });

  it("a phase that the order doesn't name, or names twice", () => {
    expect(
      refusal(() =>
        definePipeline({
          stages: { picking, packing: { complete: "packed" } },
          order: ["picking"],
        }),
      ),
    ).toContain('"packing"');
    expect(
      refusal(() => definePipeline({ stages: { picking }, order: ["picking", "picking"] })),
    ).toContain("2 times");
  });

  it("a phase in the order that has no stages", () => {
    const options = { stages: { picking }, order: ["picking", "packing"] } as const;
    // @ts-expect-error no such phase
    expect(refusal(() => definePipeline(options))).toContain('"packing"');
  });

  it("a stage in two phases", () => {
    expect(
      refusal(() =>
        definePipeline({
          catalogue: selfplayCatalogue,
          stages: { a: { complete: "sync_complete" }, b: { complete: "cluster_sync_complete" } },
          order: ["a", "b"],
        }),
      ),
    ).toContain("Let a stage mean one thing");
    expect(
      refusal(() => definePipeline({ stages: { a: picking, b: picking }, order: ["a", "b"] })),
    ).toContain('"picked"');
  });

  it("a stage that its catalogue doesn't have", () => {
    const options = {
      catalogue: selfplayCatalogue,
      stages: { a: { complete: "picked" } },
      order: ["a"],
    } as const;
    // @ts-expect-error no such stage
    expect(refusal(() => definePipeline(options))).toContain(
      '"picked" of phase "a" is not a stage',
    );
  });

  it("a last phase that never ends", () => {
    expect(
      refusal(() =>
        definePipeline({
          stages: { picking: { ...picking, continuous: true } },
          order: ["picking"],
        }),
      ),
    ).toContain("no iteration would ever end");
  });
});
