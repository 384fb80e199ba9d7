import type { StageFields } from "../catalogue/contracts.ts";

/**
 * Payloads of the self-play catalogue. Required are the fields of the event guide, in camelCase;
 * the others are optional: stage fields, and what the next step of a pipeline needs to find its input.
 * All of them are JSON values.
 */

/** A file one step hands to the next: where it is and what it must hash to. */
export interface FileRef {
  readonly path: string;
  /** SHA-256 of the content, in lower-case hex. */
  readonly sha256: string;
  readonly bytes?: number;
  /** Games in it, where it holds games. */
  readonly games?: number;
}

/** A failure: what failed, and why. */
export interface Failed extends StageFields {
  readonly configKey: string;
  readonly error: string;
  /** The job or step that failed, where there are several. */
  readonly jobId?: string;
}

/** A training run has begun. */
export interface TrainingStarted extends StageFields {
  readonly configKey: string;
  readonly modelVersion: string;
  readonly games?: number;
}

/** A training run has ended with a model. */
export interface TrainingCompleted extends StageFields {
  readonly configKey: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly modelPath: string;
  readonly modelId?: string;
  /** SHA-256 of the model file. */
  readonly checksum?: string;
  /** The model it started from. */
  readonly parentModelId?: string;
  readonly games?: number;
  readonly durationMs?: number;
}

/** A training run has saved its state. */
export interface TrainingCheckpoint extends StageFields {
  readonly step: number;
  readonly path: string;
  readonly checksum?: string;
}

/** There are enough games to train a configuration. */
export interface TrainingThreshold extends StageFields {
  readonly configKey: string;
  readonly games: number;
}

/** A candidate has been played against an opponent. */
export interface EvaluationCompleted extends StageFields {
  readonly configKey: string;
  readonly elo: number;
  /** Share of points against the opponent, 0 to 1. */
  readonly winRate: number;
  /** The candidate. */
  readonly modelId?: string;
  readonly modelPath?: string;
  readonly checksum?: string;
  readonly opponentId?: string;
  readonly eloDelta?: number;
  readonly games?: number;
  readonly wins?: number;
  readonly losses?: number;
  readonly draws?: number;
  /** Whether the candidate passed the gate. */
  readonly passed?: boolean;
  /** Log-likelihood ratio at which the gate decided. */
  readonly llr?: number;
  readonly durationMs?: number;
}

/** A model plays worse than the one before it. */
export interface EvaluationRegression extends StageFields {
  readonly configKey: string;
  readonly eloDrop: number;
  readonly modelId?: string;
  readonly severity?: "minor" | "moderate" | "severe" | "critical";
}

/** A regression is over. */
export interface RegressionCleared extends StageFields {
  readonly configKey: string;
  readonly modelId?: string;
}

/** A model's rating has changed. */
export interface EloUpdated extends StageFields {
  readonly modelId: string;
  readonly oldElo: number;
  readonly newElo: number;
  readonly games?: number;
}

/** New games have been played and stored. */
export interface DataNewGames extends StageFields {
  readonly count: number;
  /** Who played them: a node or a worker. */
  readonly source: string;
  readonly files?: readonly FileRef[];
  /** The model that played. */
  readonly modelId?: string;
  readonly jobId?: string;
  readonly durationMs?: number;
}

/** A node has received the games of others. */
export interface DataSyncCompleted extends StageFields {
  readonly nodeId: string;
  readonly gamesSynced: number;
  readonly files?: readonly FileRef[];
  readonly bytes?: number;
  /** Mean quality of the games, 0 to 1. */
  readonly quality?: number;
  readonly durationMs?: number;
}

/** A node could not receive the games of others. */
export interface DataSyncFailed extends StageFields {
  readonly nodeId: string;
  readonly error: string;
  readonly files?: readonly FileRef[];
}

/** The quality of the games has been scored. */
export interface DataQualityUpdated extends StageFields {
  readonly score: number;
  /** Games by quality band. */
  readonly distribution: Readonly<Record<string, number>>;
}

/** A node has joined the cluster. */
export interface ClusterNodeJoined extends StageFields {
  readonly nodeId: string;
  readonly capabilities: readonly string[];
}

/** A node has left the cluster. */
export interface ClusterNodeLeft extends StageFields {
  readonly nodeId: string;
  readonly reason: string;
}

/** The cluster has a new leader. */
export interface ClusterLeaderElected extends StageFields {
  readonly leaderId: string;
  readonly term?: number;
}

/** A model has become the champion. */
export interface ModelPromoted extends StageFields {
  readonly modelId: string;
  readonly elo: number;
  readonly modelPath?: string;
  readonly checksum?: string;
  /** The champion it replaces. */
  readonly previousModelId?: string;
  readonly eloDelta?: number;
  readonly winRate?: number;
  readonly games?: number;
  readonly reason?: string;
}

/** A model was measured and not promoted. */
export interface PromotionRejected extends StageFields {
  readonly modelId: string;
  readonly reason: string;
  /** The gate that said no, what it wanted and what it got. */
  readonly gate?: string;
  readonly threshold?: number;
  readonly actual?: number;
  readonly elo?: number;
  readonly eloDelta?: number;
  readonly winRate?: number;
  readonly games?: number;
}

/** A promotion could not be carried out. */
export interface PromotionFailed extends StageFields {
  readonly modelId: string;
  readonly error: string;
}

/** A node has received a model. */
export interface ModelSynced extends StageFields {
  readonly modelId: string;
  readonly nodeId: string;
  readonly modelPath?: string;
  readonly checksum?: string;
}

/** The quality score of one configuration's games. */
export interface QualityShare extends StageFields {
  readonly configKey: string;
  readonly score: number;
  readonly games?: number;
}

/** A search for better parameters (CMA-ES, population based, architecture) has ended. */
export interface SearchCompleted extends StageFields {
  readonly configKey: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly generation?: number;
}

/** The weights of the configurations have changed. */
export interface CurriculumChanged extends StageFields {
  /** Weight of each configuration. */
  readonly weights: Readonly<Record<string, number>>;
  readonly reason?: string;
}

/** An export of training samples has begun. */
export interface ExportStarted extends StageFields {
  readonly configKey: string;
}

/** An export of training samples has ended with a file. */
export interface ExportCompleted extends StageFields {
  readonly configKey: string;
  readonly path: string;
  readonly samples: number;
  readonly checksum?: string;
}

/** Games have been compared with a reference engine. */
export interface ParityValidated extends StageFields {
  readonly configKey: string;
  readonly games: number;
  readonly mismatches: number;
}

/** A round of self-play, training and evaluation has ended. */
export interface IterationCompleted extends StageFields {
  readonly configKey: string;
  readonly iteration: number;
  readonly durationMs?: number;
}
