export { EventCoordinator } from "./coordinator.ts";
export type { CoordinatorStats, Direction, DropReason } from "./counters.ts";
export { createCoordinator } from "./create.ts";
export { getEventCoordinator, resetEventCoordinator } from "./default-coordinator.ts";
export { CoordinatorError, type CoordinatorErrorCode } from "./errors.ts";
export type {
  CatchUpOptions,
  CoordinatorOptions,
  CoordinatorStopResult,
  DurablePublishOptions,
  Emitters,
  PublishReceipt,
  QueueTypesOf,
  StagesOf,
  StopOptions,
  TopicsOf,
} from "./options.ts";
export type { HandleOptions, WorkEvent, WorkEventOf, WorkHandler } from "./work.ts";
