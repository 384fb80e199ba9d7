export { type AnyCatalogue, type Catalogue, defineCatalogue } from "./catalogue/catalogue.ts";
export type {
  CrossProcessToData,
  DataToCrossProcess,
  DataToStage,
  QueueContracts,
  StageContracts,
  StageFields,
  StageToCrossProcess,
  StageToData,
  TopicContracts,
} from "./catalogue/contracts.ts";
export { didYouMean } from "./validation/did-you-mean.ts";
export type { CatalogueEntry } from "./catalogue/entry.ts";
export { CatalogueError, type CatalogueErrorCode } from "./errors.ts";
export {
  type DefinedPayload,
  event,
  type EventDefinition,
  type EventDefinitions,
  type EventOptions,
  named,
  type PlainEvent,
} from "./catalogue/event.ts";
export { fromGuidePayload, type GuidePayload, type GuideTopic } from "./guide/guide-payload.ts";
export {
  getAllEventTypes,
  getCrossProcessEventType,
  getDataEventType,
  getStageEventType,
  getTopic,
  isMappedEvent,
  normalizeEventType,
} from "./guide/lookup.ts";
export {
  type EmitterName,
  emitterName,
  type SnakeName,
  type UpperSnakeName,
} from "./catalogue/names.ts";
export { isFailureStage, outcomeTopic, type StageOutcome } from "./catalogue/outcome.ts";
export type {
  ClusterLeaderElected,
  ClusterNodeJoined,
  ClusterNodeLeft,
  CurriculumChanged,
  DataNewGames,
  DataQualityUpdated,
  DataSyncCompleted,
  DataSyncFailed,
  EloUpdated,
  EvaluationCompleted,
  EvaluationRegression,
  ExportCompleted,
  ExportStarted,
  Failed,
  FileRef,
  IterationCompleted,
  ModelPromoted,
  ModelSynced,
  ParityValidated,
  PromotionFailed,
  PromotionRejected,
  QualityShare,
  RegressionCleared,
  SearchCompleted,
  TrainingCheckpoint,
  TrainingCompleted,
  TrainingStarted,
  TrainingThreshold,
} from "./guide/payloads.ts";
export { selfplayCatalogue, type SelfplayEvents, selfplayEvents } from "./guide/selfplay.ts";
export {
  CROSS_PROCESS_TO_DATA_MAP,
  DATA_TO_CROSS_PROCESS_MAP,
  DATA_TO_STAGE_EVENT_MAP,
  mappingTables,
  type MappingTables,
  type NameTable,
  STAGE_TO_CROSS_PROCESS_MAP,
  STAGE_TO_DATA_EVENT_MAP,
  type TypedMappingTables,
} from "./guide/tables.ts";
export {
  type MappingProblem,
  type MappingProblemCode,
  validateTables,
} from "./validation/validate-tables.ts";
export { validateMappings } from "./validation/validate.ts";
