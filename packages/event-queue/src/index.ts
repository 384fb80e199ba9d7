export type {
  ConsumeOptions,
  Consumer,
  ConsumerOptions,
  ConsumerStats,
  DeliveryContext,
  EventHandler,
  EventHandlers,
  OptionsFirst,
  StopResult,
} from "./contract/consumer.ts";
export type { ConsumerMiddleware } from "./contract/consumer-middleware.ts";
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
} from "./contract/event-queue.ts";
export type { FailedAttempt } from "./consuming/attempt-channel.ts";
export type { DeadLetterNotice } from "./failures/dead-letter-notices.ts";
export type { DeadLetter, DeadLetterFilter, DeadLetters } from "./contract/dead-letters.ts";
export type { ErrorData, RedactError } from "./failures/error-data.ts";
export type { HealthProblem, HealthProblemCode } from "./failures/health-problem.ts";
export { PermanentError, QueueError, type QueueErrorCode } from "./failures/errors.ts";
export type {
  Lease,
  LeasedEvent,
  NackOptions,
  QueueEvent,
  StoredEvent,
} from "./contract/events.ts";
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
} from "./contract/groups.ts";
export { MemoryEventQueue, type MemoryEventQueueOptions } from "./memory/memory-event-queue.ts";
export { MemoryLog, type MemoryLogOptions } from "./memory-state/memory-log.ts";
export {
  migrateQueue,
  type MigrationOptions,
  type MigrationResult,
} from "./migration/migrate-queue.ts";
export type {
  QueueTransaction,
  Synchronous,
  TransactionalQueue,
  TransactionResult,
  TransactionStyle,
} from "./contract/transactional.ts";
