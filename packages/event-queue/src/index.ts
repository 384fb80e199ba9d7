export type {
  ConsumeOptions,
  Consumer,
  ConsumerOptions,
  ConsumerStats,
  DeliveryContext,
  EventHandler,
  EventHandlers,
  StopResult,
} from "./consumer.ts";
export type { ConsumerMiddleware } from "./consumer-middleware.ts";
export type {
  ConsumerGroup,
  EventQueue,
  GroupReceiveOptions,
  HistoryOptions,
  OutgoingEvent,
  QueueHealth,
  QueueStats,
  ReceiveOptions,
  SendOptions,
  StreamOptions,
} from "./contract.ts";
export type { FailedAttempt } from "./attempt-channel.ts";
export type { DeadLetterNotice } from "./dead-letter-notices.ts";
export type { DeadLetter, DeadLetterFilter, DeadLetters } from "./dead-letters.ts";
export type { ErrorData, RedactError } from "./error-data.ts";
export type { HealthProblem, HealthProblemCode } from "./health-problem.ts";
export { PermanentError, QueueError, type QueueErrorCode } from "./errors.ts";
export type { Lease, LeasedEvent, NackOptions, QueueEvent, StoredEvent } from "./events.ts";
export type {
  Backoff,
  ClaimOptions,
  EnsuredGroup,
  EnsureOptions,
  GroupChange,
  GroupClaim,
  GroupInfo,
  GroupPolicy,
  Groups,
  ReleaseOptions,
} from "./groups.ts";
export { MemoryEventQueue, type MemoryEventQueueOptions } from "./memory/memory-event-queue.ts";
export { MemoryLog, type MemoryLogOptions } from "./memory/memory-log.ts";
export {
  migrateQueue,
  type MigrationOptions,
  type MigrationResult,
} from "./migration/migrate-queue.ts";
export type {
  QueueTransaction,
  RefusedResult,
  Synchronous,
  TransactionalQueue,
  TransactionStyle,
} from "./transactional.ts";
