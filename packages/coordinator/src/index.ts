export type { BridgeDirectionStats } from "./bridge/bridge-direction.ts";
export type { QueueBridgeOptions } from "./bridge/bridge-options.ts";
export type { BridgeHealth, BridgeProblem } from "./bridge/bridge-problem.ts";
export { EventCoordinator } from "./coordinator/coordinator.ts";
export type { CoordinatorStats, Direction, DropReason } from "./carrying/counters.ts";
export { createCoordinator } from "./coordinator/create-coordinator.ts";
export { getEventCoordinator, resetEventCoordinator } from "./coordinator/default-coordinator.ts";
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
} from "./options/options.ts";
export {
  createQueueBridge,
  type QueueBridge,
  type QueueBridgeStats,
} from "./bridge/queue-bridge.ts";
export type { HandleOptions } from "./work/handle-options.ts";
export type { WorkEvent, WorkEventOf, WorkHandler } from "./work/work.ts";
