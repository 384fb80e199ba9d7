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

  it("leaves stages outside of it alone", () => {
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

  it("an end that is no phase and no outcome of one, and says what was meant", () => {
    const options = {
      stages: {
        picking: { complete: "picked" },
        packing: { complete: "packed", failed: "damaged" },
      },
      order: ["picking", "packing"],
    } as const;
    // @ts-expect-error no such phase
    expect(refusal(() => definePipeline({ ...options, terminal: ["packng"] }))).toBe(
      '"terminal" names "packng", which is neither a phase nor what a phase can come to. Did you mean "packing"?',
    );
    // @ts-expect-error no such stage
    expect(refusal(() => definePipeline({ ...options, terminal: "damagd" }))).toContain(
      'Did you mean "damaged"?',
    );
    // @ts-expect-error no name
    expect(refusal(() => definePipeline({ ...options, terminal: [7] }))).toContain(
      "The phases are picking, packing.",
    );
  });

  it("an end by a stage that is outside of the pipeline", () => {
    const options = {
      catalogue: selfplayCatalogue,
      stages: { training: { complete: "training_complete" } },
      order: ["training"],
      terminal: "cmaes_complete",
    } as const;
    expect(refusal(() => definePipeline(options))).toContain('"cmaes_complete"');
  });

  it("an end by a stage that begins a phase, or by a phase that is continuous", () => {
    const options = {
      stages: {
        picking: { ...picking, started: "picking_started", continuous: true },
        packing: { complete: "packed", started: "packing_started" },
      },
      order: ["picking", "packing"],
    } as const;
    expect(refusal(() => definePipeline({ ...options, terminal: "packing_started" }))).toBe(
      '"terminal" names "packing_started", which begins phase "packing". Name a phase, or a stage that ends one.',
    );
    for (const terminal of ["picking", "picked", "picking_failed"] as const) {
      expect(refusal(() => definePipeline({ ...options, terminal }))).toContain("is continuous");
    }
  });

  it("an option that it doesn't know", () => {
    const options = { stages: { picking }, order: ["picking"], terminals: ["picking"] } as const;
    expect(() => definePipeline(options)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining('"terminals" is unknown'),
      }),
    );
  });
});
