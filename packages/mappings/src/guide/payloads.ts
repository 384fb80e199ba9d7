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

export interface TrainingStarted extends StageFields {
  readonly configKey: string;
  readonly modelVersion: string;
  readonly games?: number;
}

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

export interface TrainingCheckpoint extends StageFields {
  readonly step: number;
  readonly path: string;
  readonly checksum?: string;
}

export interface TrainingThreshold extends StageFields {
  readonly configKey: string;
  readonly games: number;
}

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

export interface EvaluationRegression extends StageFields {
  readonly configKey: string;
  readonly eloDrop: number;
  readonly modelId?: string;
  readonly severity?: "minor" | "moderate" | "severe" | "critical";
}

export interface RegressionCleared extends StageFields {
  readonly configKey: string;
  readonly modelId?: string;
}

export interface EloUpdated extends StageFields {
  readonly modelId: string;
  readonly oldElo: number;
  readonly newElo: number;
  readonly games?: number;
}

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

export interface DataSyncCompleted extends StageFields {
  readonly nodeId: string;
  readonly gamesSynced: number;
  readonly files?: readonly FileRef[];
  readonly bytes?: number;
  /** Mean quality of the games, 0 to 1. */
  readonly quality?: number;
  readonly durationMs?: number;
}

export interface DataSyncFailed extends StageFields {
  readonly nodeId: string;
  readonly error: string;
  readonly files?: readonly FileRef[];
}

export interface DataQualityUpdated extends StageFields {
  readonly score: number;
  /** Games by quality band. */
  readonly distribution: Readonly<Record<string, number>>;
}

export interface ClusterNodeJoined extends StageFields {
  readonly nodeId: string;
  readonly capabilities: readonly string[];
}

export interface ClusterNodeLeft extends StageFields {
  readonly nodeId: string;
  readonly reason: string;
}

export interface ClusterLeaderElected extends StageFields {
  readonly leaderId: string;
  readonly term?: number;
}

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

export interface PromotionFailed extends StageFields {
  readonly modelId: string;
  readonly error: string;
}

export interface ModelSynced extends StageFields {
  readonly modelId: string;
  readonly nodeId: string;
  readonly modelPath?: string;
  readonly checksum?: string;
}

export interface QualityShare extends StageFields {
  readonly configKey: string;
  readonly score: number;
  readonly games?: number;
}

export interface SearchCompleted extends StageFields {
  readonly configKey: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly generation?: number;
}

export interface CurriculumChanged extends StageFields {
  /** Weight of each configuration. */
  readonly weights: Readonly<Record<string, number>>;
  readonly reason?: string;
}

export interface ExportStarted extends StageFields {
  readonly configKey: string;
}

export interface ExportCompleted extends StageFields {
  readonly configKey: string;
  readonly path: string;
  readonly samples: number;
  readonly checksum?: string;
}

export interface ParityValidated extends StageFields {
  readonly configKey: string;
  readonly games: number;
  readonly mismatches: number;
}

export interface IterationCompleted extends StageFields {
  readonly configKey: string;
  readonly iteration: number;
  readonly durationMs?: number;
}
