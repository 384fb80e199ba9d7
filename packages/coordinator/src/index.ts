export type { BridgeDirectionStats } from "./bridge-direction.ts";
export type { QueueBridgeOptions } from "./bridge-options.ts";
export type { BridgeHealth, BridgeProblem } from "./bridge-problem.ts";
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
export { createQueueBridge, type QueueBridge, type QueueBridgeStats } from "./queue-bridge.ts";
export type { HandleOptions, WorkEvent, WorkEventOf, WorkHandler } from "./work.ts";
