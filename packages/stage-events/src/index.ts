export type { StageCallbackError } from "./bus/callback-errors.ts";
export type { Clock } from "./machine/clock.ts";
export { createStageEventBus, type StageBusOptions } from "./bus/create-stage-bus.ts";
export { getStageEventBus, resetStageEventBus } from "./bus/default-bus.ts";
export type { StageHandlerOutcome } from "./bus/outcomes.ts";
export { StageEventsError, type StageEventsErrorCode } from "./errors.ts";
export type { IllegalReason, StageFailure } from "./machine/machine.ts";
export type { PhaseStage, PhaseStages, StageMeaning } from "./pipeline/phase.ts";
export {
  definePipeline,
  type Pipeline,
  type PipelineKey,
  type StandaloneContracts,
} from "./pipeline/pipeline.ts";
export type {
  AnyStageResult,
  StageBusEvent,
  StageEvent,
  StageResult,
  StageResults,
} from "./bus/result.ts";
export {
  type SelfplayPhase,
  selfplayPipeline,
  type SelfplayStages,
} from "./pipeline/selfplay-pipeline.ts";
export type {
  StageBusStats,
  StageEmitOptions,
  StageEventBus,
  StageHandler,
  StageOutcomes,
  StageSubscribeOptions,
} from "./bus/stage-bus.ts";
export { type TopicEvent, toTopicEvent } from "./bus/topic-event.ts";
export type { TrackerOptions } from "./tracker/options.ts";
export type {
  DroppedKey,
  KeyDropReason,
  IllegalTransition,
  PipelineTracker,
  Stall,
  TrackedState,
  TrackerStats,
  Transition,
} from "./machine/pipeline-tracker.ts";
export { type TrackedTopics, trackPipeline } from "./tracker/tracker.ts";
