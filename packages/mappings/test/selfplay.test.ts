import { describe, expect, it } from "vitest";
import {
  CROSS_PROCESS_TO_DATA_MAP,
  DATA_TO_CROSS_PROCESS_MAP,
  DATA_TO_STAGE_EVENT_MAP,
  fromGuidePayload,
  getAllEventTypes,
  getCrossProcessEventType,
  getDataEventType,
  getStageEventType,
  getTopic,
  isFailureStage,
  isMappedEvent,
  normalizeEventType,
  outcomeTopic,
  selfplayCatalogue,
  STAGE_TO_CROSS_PROCESS_MAP,
  type StageOutcome,
  STAGE_TO_DATA_EVENT_MAP,
  validateMappings,
} from "../src/index.ts";

const GUIDE_TOPICS = [
  "training.started",
  "training.completed",
  "training.failed",
  "training.checkpoint",
  "evaluation.completed",
  "evaluation.regression",
  "elo.updated",
  "data.new_games",
  "data.sync_completed",
  "data.quality_updated",
  "cluster.node_joined",
  "cluster.node_left",
  "cluster.leader_elected",
];

/** Stage, its topic, and the spelling the original tables gave it on the queue. */
const STAGES = [
  ["selfplay_complete", "data.new_games", "SELFPLAY_BATCH_COMPLETE"],
  ["canonical_selfplay_complete", "data.new_games", "CANONICAL_SELFPLAY_COMPLETE"],
  ["gpu_selfplay_complete", "data.new_games", "GPU_SELFPLAY_COMPLETE"],
  ["sync_complete", "data.sync_completed", "DATA_SYNC_COMPLETED"],
  ["parity_validation_complete", "parity.validation_completed", "PARITY_VALIDATION_COMPLETE"],
  ["npz_export_started", "npz.export_started", "NPZ_EXPORT_STARTED"],
  ["npz_export_complete", "npz.export_complete", "NPZ_EXPORT_COMPLETE"],
  ["training_complete", "training.completed", "TRAINING_COMPLETED"],
  ["training_started", "training.started", "TRAINING_STARTED"],
  ["training_failed", "training.failed", "TRAINING_FAILED"],
  ["evaluation_complete", "evaluation.completed", "EVALUATION_COMPLETED"],
  ["shadow_tournament_complete", "evaluation.completed", "SHADOW_TOURNAMENT_COMPLETE"],
  ["elo_calibration_complete", "elo.updated", "ELO_CALIBRATION_COMPLETE"],
  ["cmaes_complete", "cmaes.completed", "CMAES_COMPLETE"],
  ["pbt_complete", "pbt.generation_complete", "PBT_COMPLETE"],
  ["nas_complete", "nas.completed", "NAS_COMPLETE"],
  ["promotion_complete", "model.promoted", "MODEL_PROMOTED"],
  ["tier_gating_complete", "model.promoted", "TIER_GATING_COMPLETE"],
  ["iteration_complete", "iteration.completed", "ITERATION_COMPLETE"],
  ["cluster_sync_complete", "data.sync_completed", "CLUSTER_SYNC_COMPLETE"],
  ["model_sync_complete", "model.synced", "MODEL_SYNC_COMPLETE"],
] as const;

/** The rows that the tables of the guide's day had. */
const SEED_ROWS = {
  training_started: "TRAINING_STARTED",
  training_completed: "TRAINING_COMPLETED",
  training_failed: "TRAINING_FAILED",
  training_threshold: "TRAINING_THRESHOLD_REACHED",
  evaluation_completed: "EVALUATION_COMPLETED",
  elo_updated: "ELO_UPDATED",
  model_promoted: "MODEL_PROMOTED",
  promotion_failed: "PROMOTION_FAILED",
  new_games: "NEW_GAMES_AVAILABLE",
  sync_completed: "DATA_SYNC_COMPLETED",
  p2p_model_synced: "P2P_MODEL_SYNCED",
  quality_score_updated: "QUALITY_SCORE_UPDATED",
  quality_distribution_changed: "QUALITY_DISTRIBUTION_CHANGED",
  high_quality_data_available: "HIGH_QUALITY_DATA_AVAILABLE",
  low_quality_data_warning: "LOW_QUALITY_DATA_WARNING",
  regression_detected: "REGRESSION_DETECTED",
  regression_critical: "REGRESSION_CRITICAL",
  regression_cleared: "REGRESSION_CLEARED",
  cmaes_completed: "CMAES_COMPLETED",
  pbt_generation_complete: "PBT_COMPLETE",
  nas_completed: "NAS_COMPLETED",
  curriculum_updated: "CURRICULUM_UPDATED",
  curriculum_rebalanced: "CURRICULUM_REBALANCED",
};

const STRANGERS = ["constructor", "__proto__", "toString", "valueOf", "", "no_such_event"];

describe("the self-play catalogue", () => {
  it("is sound", () => {
    expect(validateMappings()).toEqual([]);
  });

  it.each(GUIDE_TOPICS)("has the guide's topic %s", (topic) => {
    expect(selfplayCatalogue.entryForTopic(topic)?.topic).toBe(topic);
  });

  it.each(STAGES)("maps the stage %s to %s and understands %s", (stage, topic, spelling) => {
    expect(getTopic(stage)).toBe(topic);
    expect(getTopic(spelling)).toBe(topic);
    expect(selfplayCatalogue.entryForQueue(spelling)?.topic).toBe(topic);
  });

  it.each(Object.entries(SEED_ROWS))("sends the data name %s as %s and back", (data, type) => {
    expect(getCrossProcessEventType(data)).toBe(type);
    expect(CROSS_PROCESS_TO_DATA_MAP).toHaveProperty(type, data);
  });

  it.each([
    ["checkpoint_saved", "training.checkpoint"],
    ["regression_detected", "evaluation.regression"],
    ["new_games", "data.new_games"],
    ["sync_completed", "data.sync_completed"],
    ["quality_score_updated", "data.quality_updated"],
    ["host_online", "cluster.node_joined"],
    ["host_offline", "cluster.node_left"],
    ["leader_elected", "cluster.leader_elected"],
    ["model_promoted", "model.promoted"],
    ["p2p_model_synced", "model.synced"],
    ["training_threshold", "training.threshold"],
    ["regression_cleared", "regression.cleared"],
  ])("knows the data name %s as %s", (data, topic) => {
    expect(selfplayCatalogue.entryForData(data)?.topic).toBe(topic);
  });

  it("gives every stage a failure that is not a success", () => {
    const wrong = STAGES.map(([stage]) => outcomeTopic(selfplayCatalogue, stage, false)).filter(
      (topic) => !topic?.endsWith("failed"),
    );
    expect(wrong).toEqual([]);
  });

  it("has a stage for each failure, so that it can be emitted as such", () => {
    const failures = [...selfplayCatalogue.entries.values()].filter((entry) => entry.isFailure);
    expect(failures.flatMap((entry) => entry.stages).toSorted()).toEqual([
      "cmaes_failed",
      "elo_calibration_failed",
      "evaluation_failed",
      "iteration_failed",
      "model_sync_failed",
      "nas_failed",
      "npz_export_failed",
      "parity_validation_failed",
      "pbt_failed",
      "promotion_failed",
      "promotion_rejected",
      "selfplay_failed",
      "sync_failed",
      "training_failed",
    ]);
  });
});

describe("the tables", () => {
  it("hold the examples of the guide", () => {
    expect(getDataEventType("training_complete")).toBe("training_completed");
    expect(getDataEventType("selfplay_complete")).toBe("new_games");
    expect(getCrossProcessEventType("training_completed")).toBe("TRAINING_COMPLETED");
    expect(getCrossProcessEventType("evaluation_complete", "stage")).toBe("EVALUATION_COMPLETED");
    expect(STAGE_TO_DATA_EVENT_MAP.selfplay_complete).toBe("new_games");
    expect(STAGE_TO_CROSS_PROCESS_MAP.evaluation_complete).toBe("EVALUATION_COMPLETED");
  });

  it("commute: stage → data → queue is stage → queue, for every stage", () => {
    const composed = Object.fromEntries(
      Object.entries(STAGE_TO_DATA_EVENT_MAP).map(([stage, data]) => [
        stage,
        DATA_TO_CROSS_PROCESS_MAP[data],
      ]),
    );
    expect(composed).toEqual({ ...STAGE_TO_CROSS_PROCESS_MAP });
  });

  it("invert: queue → data is data → queue backwards, with nothing left over", () => {
    const inverse = Object.fromEntries(
      Object.entries(DATA_TO_CROSS_PROCESS_MAP).map(([data, type]) => [type, data]),
    );
    expect({ ...CROSS_PROCESS_TO_DATA_MAP }).toEqual(inverse);
  });

  it("lead back from a data name to the stage that stands for it", () => {
    expect(DATA_TO_STAGE_EVENT_MAP.new_games).toBe("selfplay_complete");
    expect(getStageEventType("evaluation_completed")).toBe("evaluation_complete");
    expect(getStageEventType("sync_completed")).toBe("sync_complete");
    expect(getStageEventType("curriculum_updated")).toBeUndefined();
  });

  it.each([
    STAGE_TO_DATA_EVENT_MAP,
    DATA_TO_CROSS_PROCESS_MAP,
    STAGE_TO_CROSS_PROCESS_MAP,
    DATA_TO_STAGE_EVENT_MAP,
    CROSS_PROCESS_TO_DATA_MAP,
  ])("are frozen and have no prototype (%#)", (table) => {
    expect(Object.isFrozen(table)).toBe(true);
    expect(Object.getPrototypeOf(table)).toBeNull();
  });
});

describe("a lookup", () => {
  it.each(STRANGERS)("answers undefined for %j, never a guess", (name) => {
    expect(getDataEventType(name)).toBeUndefined();
    expect(getCrossProcessEventType(name)).toBeUndefined();
    expect(getCrossProcessEventType(name, "stage")).toBeUndefined();
    expect(getStageEventType(name)).toBeUndefined();
    expect(getTopic(name)).toBeUndefined();
    expect(normalizeEventType(name)).toBeUndefined();
    expect(isMappedEvent(name)).toBe(false);
  });

  it("does not take a data name for a stage", () => {
    expect(getDataEventType("training_completed")).toBeUndefined();
    expect(getCrossProcessEventType("evaluation_complete")).toBeUndefined();
  });

  it("normalises any letter case to the topic", () => {
    expect(normalizeEventType("Training_Complete")).toBe("training.completed");
    expect(normalizeEventType("new_games_available")).toBe("data.new_games");
    expect(normalizeEventType("TRAINING.COMPLETED")).toBe("training.completed");
    expect(isMappedEvent("training_COMPLETED")).toBe(true);
  });

  it("is exact without normalising", () => {
    expect(getTopic("Training_Complete")).toBeUndefined();
  });

  it("lists every spelling once, and each of them leads to a topic", () => {
    const all = getAllEventTypes();
    expect(new Set(all).size).toBe(all.length);
    expect(all).toContain("SELFPLAY_BATCH_COMPLETE");
    expect(all).toContain("data.new_games");
    expect(all.filter((name) => getTopic(name) === undefined)).toEqual([]);
  });
});

const promotion = (result: StageOutcome) =>
  outcomeTopic(selfplayCatalogue, "promotion_complete", result);

describe("outcomeTopic", () => {
  it("keeps the stage's topic on success", () => {
    expect(outcomeTopic(selfplayCatalogue, "training_complete", true)).toBe("training.completed");
  });

  it("gives the failure's topic on failure", () => {
    expect(outcomeTopic(selfplayCatalogue, "sync_complete", false)).toBe("data.sync_failed");
    expect(outcomeTopic(selfplayCatalogue, "gpu_selfplay_complete", false)).toBe("selfplay.failed");
  });

  it("tells a promotion that the gate refused from one that went wrong", () => {
    expect(promotion({ success: false })).toBe("promotion.rejected");
    expect(promotion({ success: false, error: "disk full" })).toBe("promotion.failed");
  });

  it("keeps the topic of a stage that is a failure itself", () => {
    expect(outcomeTopic(selfplayCatalogue, "training_failed", false)).toBe("training.failed");
    expect(isFailureStage(selfplayCatalogue, "training_failed")).toBe(true);
    expect(isFailureStage(selfplayCatalogue, "training_complete")).toBe(false);
  });

  it("answers undefined for a stage nobody defined", () => {
    expect(outcomeTopic(selfplayCatalogue, "constructor", false)).toBeUndefined();
  });
});

describe("fromGuidePayload", () => {
  it("writes the guide's fields in camelCase", () => {
    expect(
      fromGuidePayload("training.completed", {
        config_key: "hex8_2p",
        metrics: { val_loss: 0.01 },
        model_path: "models/v3.pth",
      }),
    ).toEqual({ configKey: "hex8_2p", metrics: { val_loss: 0.01 }, modelPath: "models/v3.pth" });
  });

  it("refuses a field the guide doesn't list, rather than dropping or renaming it", () => {
    const drifted = { config: "hex8_2p", error: "out of memory" };
    // @ts-expect-error the guide says config_key
    expect(() => fromGuidePayload("training.failed", drifted)).toThrow('"config" is not a field');
  });

  it("refuses a topic the guide doesn't list", () => {
    // @ts-expect-error no such topic
    expect(() => fromGuidePayload("constructor", {})).toThrow('no payload for "constructor"');
  });
});
