import { type Catalogue, defineCatalogue } from "../catalogue/catalogue.ts";
import { type EventDefinitions, named } from "../catalogue/event.ts";
import type * as payloads from "./payloads.ts";

/**
 * The definitions behind {@link selfplayCatalogue}: the topics of the event guide, the 21 pipeline
 * stages with their failures, and the first rows of the mapping tables. To add events of your own:
 * `defineCatalogue({ ...selfplayEvents, "selfplay.requested": event<…>() })`.
 *
 * Names are written out where they don't follow from the topic. An alias is a spelling that the
 * original tables used for a stage on the queue, where ours goes by way of the topic.
 */
export const selfplayEvents = {
  "training.started": named<payloads.TrainingStarted>()({
    stages: ["training_started"],
    failure: "training.failed",
  }),
  "training.completed": named<payloads.TrainingCompleted>()({
    stages: ["training_complete"],
    failure: "training.failed",
  }),
  "training.failed": named<payloads.Failed>()({ stages: ["training_failed"] }),
  "training.checkpoint": named<payloads.TrainingCheckpoint>()({
    data: "checkpoint_saved",
    crossProcess: "CHECKPOINT_SAVED",
    aliases: ["TRAINING_CHECKPOINT"],
  }),
  "training.threshold": named<payloads.TrainingThreshold>()({
    crossProcess: "TRAINING_THRESHOLD_REACHED",
  }),

  "evaluation.completed": named<payloads.EvaluationCompleted>()({
    stages: ["evaluation_complete", "shadow_tournament_complete"],
    failure: "evaluation.failed",
    aliases: ["SHADOW_TOURNAMENT_COMPLETE"],
  }),
  "evaluation.failed": named<payloads.Failed>()({ stages: ["evaluation_failed"] }),
  "evaluation.regression": named<payloads.EvaluationRegression>()({
    data: "regression_detected",
    crossProcess: "REGRESSION_DETECTED",
  }),
  "regression.critical": named<payloads.EvaluationRegression>()({}),
  "regression.cleared": named<payloads.RegressionCleared>()({}),
  "elo.updated": named<payloads.EloUpdated>()({
    stages: ["elo_calibration_complete"],
    failure: "elo.calibration_failed",
    aliases: ["ELO_CALIBRATION_COMPLETE"],
  }),
  "elo.calibration_failed": named<payloads.Failed>()({ stages: ["elo_calibration_failed"] }),

  "data.new_games": named<payloads.DataNewGames>()({
    stages: ["selfplay_complete", "canonical_selfplay_complete", "gpu_selfplay_complete"],
    data: "new_games",
    crossProcess: "NEW_GAMES_AVAILABLE",
    failure: "selfplay.failed",
    aliases: [
      "SELFPLAY_BATCH_COMPLETE",
      "CANONICAL_SELFPLAY_COMPLETE",
      "GPU_SELFPLAY_COMPLETE",
      "SELFPLAY_COMPLETE",
    ],
  }),
  "selfplay.failed": named<payloads.Failed>()({ stages: ["selfplay_failed"] }),
  "data.sync_completed": named<payloads.DataSyncCompleted>()({
    stages: ["sync_complete", "cluster_sync_complete"],
    data: "sync_completed",
    failure: "data.sync_failed",
    aliases: ["CLUSTER_SYNC_COMPLETE"],
  }),
  "data.sync_failed": named<payloads.DataSyncFailed>()({
    stages: ["sync_failed"],
    data: "sync_failed",
  }),
  "data.quality_updated": named<payloads.DataQualityUpdated>()({
    data: "quality_score_updated",
    crossProcess: "QUALITY_SCORE_UPDATED",
  }),
  "quality.distribution_changed": named<payloads.DataQualityUpdated>()({}),
  "high.quality_data_available": named<payloads.QualityShare>()({}),
  "low.quality_data_warning": named<payloads.QualityShare>()({}),
  "parity.validation_completed": named<payloads.ParityValidated>()({
    stages: ["parity_validation_complete"],
    failure: "parity.validation_failed",
    aliases: ["PARITY_VALIDATION_COMPLETE"],
  }),
  "parity.validation_failed": named<payloads.Failed>()({ stages: ["parity_validation_failed"] }),
  "npz.export_started": named<payloads.ExportStarted>()({
    stages: ["npz_export_started"],
    failure: "npz.export_failed",
  }),
  "npz.export_complete": named<payloads.ExportCompleted>()({
    stages: ["npz_export_complete"],
    failure: "npz.export_failed",
  }),
  "npz.export_failed": named<payloads.Failed>()({ stages: ["npz_export_failed"] }),

  "cmaes.completed": named<payloads.SearchCompleted>()({
    stages: ["cmaes_complete"],
    failure: "cmaes.failed",
    aliases: ["CMAES_COMPLETE"],
  }),
  "cmaes.failed": named<payloads.Failed>()({ stages: ["cmaes_failed"] }),
  "pbt.generation_complete": named<payloads.SearchCompleted>()({
    stages: ["pbt_complete"],
    crossProcess: "PBT_COMPLETE",
    failure: "pbt.failed",
  }),
  "pbt.failed": named<payloads.Failed>()({ stages: ["pbt_failed"] }),
  "nas.completed": named<payloads.SearchCompleted>()({
    stages: ["nas_complete"],
    failure: "nas.failed",
    aliases: ["NAS_COMPLETE"],
  }),
  "nas.failed": named<payloads.Failed>()({ stages: ["nas_failed"] }),
  "curriculum.updated": named<payloads.CurriculumChanged>()({}),
  "curriculum.rebalanced": named<payloads.CurriculumChanged>()({}),

  "model.promoted": named<payloads.ModelPromoted>()({
    stages: ["promotion_complete", "tier_gating_complete"],
    failure: "promotion.failed",
    rejection: "promotion.rejected",
    aliases: ["TIER_GATING_COMPLETE"],
  }),
  "promotion.rejected": named<payloads.PromotionRejected>()({ stages: ["promotion_rejected"] }),
  "promotion.failed": named<payloads.PromotionFailed>()({ stages: ["promotion_failed"] }),
  "model.synced": named<payloads.ModelSynced>()({
    stages: ["model_sync_complete"],
    data: "p2p_model_synced",
    crossProcess: "P2P_MODEL_SYNCED",
    failure: "model.sync_failed",
    aliases: ["MODEL_SYNC_COMPLETE"],
  }),
  "model.sync_failed": named<payloads.Failed>()({ stages: ["model_sync_failed"] }),
  "iteration.completed": named<payloads.IterationCompleted>()({
    stages: ["iteration_complete"],
    failure: "iteration.failed",
    aliases: ["ITERATION_COMPLETE"],
  }),
  "iteration.failed": named<payloads.Failed>()({ stages: ["iteration_failed"] }),

  "cluster.node_joined": named<payloads.ClusterNodeJoined>()({
    data: "host_online",
    crossProcess: "HOST_ONLINE",
  }),
  "cluster.node_left": named<payloads.ClusterNodeLeft>()({
    data: "host_offline",
    crossProcess: "HOST_OFFLINE",
  }),
  "cluster.leader_elected": named<payloads.ClusterLeaderElected>()({
    data: "leader_elected",
    crossProcess: "LEADER_ELECTED",
  }),
} satisfies EventDefinitions;

/** The definitions of {@link selfplayCatalogue} as a type. */
export type SelfplayEvents = typeof selfplayEvents;

/**
 * The catalogue of the self-play pipeline (self-play → sync → training → evaluation → promotion):
 * what every bus and coordinator uses where none is given.
 */
export const selfplayCatalogue: Catalogue<SelfplayEvents> = defineCatalogue(selfplayEvents);
