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
export type { DeadLetter, DeadLetterFilter, DeadLetters, ErrorData } from "./dead-letters.ts";
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
} from "./groups.ts";
export { MemoryEventQueue, type MemoryEventQueueOptions } from "./memory/memory-event-queue.ts";
export { MemoryLog, type MemoryLogOptions } from "./memory/memory-log.ts";
export { migrateQueue, type MigrationOptions, type MigrationResult } from "./migrate-queue.ts";
export type {
  QueueTransaction,
  RefusedResult,
  Synchronous,
  TransactionalQueue,
  TransactionStyle,
} from "./transactional.ts";
