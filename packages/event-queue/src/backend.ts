export { BackedQueue } from "./backend/backed-queue.ts";
export {
  BACKED_QUEUE_OPTION_NAMES,
  type BackedQueueOptions,
  type BackedQueueSettings,
  checkBackedQueueOptions,
} from "./backend/backed-queue-options.ts";
export { BackedTransactionalQueue } from "./backend/backed-transactional-queue.ts";
export { closedError } from "./backend/closed-error.ts";
export type {
  BackendDeadLetters,
  BackendGroups,
  BackendHost,
  BackendKind,
  BackendLease,
  ClaimedEvent,
  GroupMember,
  HealthReport,
  LogStats,
  MemberOptions,
  MemberRequest,
  NameHolder,
  QueueBackend,
} from "./backend/queue-backend.ts";
export {
  type AdoptedGroup,
  type CarriedLetter,
  type EventSpot,
  foreignPosition,
  type MigrationBackend,
  type MigrationPage,
  type MigrationRange,
  redrivenLetter,
  type SoughtEvent,
} from "./backend/migration-backend.ts";
export { MIGRATION, type QueueMigration } from "./backend/queue-migration.ts";
export type { Interception } from "./backend/interception.ts";
export { type CallOptions, QueueInstance } from "./backend/queue-instance.ts";
export type {
  BackendTransaction,
  TransactionalBackend,
  TransactOptions,
} from "./backend/transactional-backend.ts";
export {
  type Backlog,
  BacklogGate,
  type BacklogLimit,
  type BacklogOptions,
  checkBacklog,
} from "./backlog-gate.ts";
export { canonicalJson } from "./canonical-json.ts";
export { ChildIds } from "./child-ids.ts";
export { childIdsOf } from "./backend/child-ids-of.ts";
export { Bell, type BellWait } from "./bell.ts";
export { type CheckedConsumerOptions, checkConsumerOptions } from "./consumer-options.ts";
export { ConsumerMiddlewares } from "./consumer-middleware.ts";
export { createConsumer } from "./consumer-loop.ts";
export { leaseLost, settleAfter, whenSettled } from "./delivery.ts";
export { EventHandling, type HandlingOptions, runDelivery } from "./delivery-scope.ts";
export { isPermanent, toErrorData } from "./error-data.ts";
export { createEventStream, type EventStream, type StreamRequest } from "./event-stream.ts";
export { handlerEventTypes } from "./group-handlers.ts";
export {
  backoffDelayMs,
  checkGroupChange,
  checkGroupPolicy,
  type CheckedGroupChange,
  checkSameGroupPolicy,
  completeGroupPolicy,
  decodeGroupPolicy,
  DEFAULT_GROUP_POLICY,
  encodeGroupPolicy,
  type GivenGroupPolicy,
  policyDifferences,
  shownPolicy,
  statedPolicy,
  type StoredGroupPolicy,
} from "./group-policy.ts";
export {
  groupExpired,
  groupIsReader,
  groupMissed,
  groupNotFound,
  groupPolicyChanged,
  groupRemoved,
  groupShared,
  groupSkipped,
  groupStartUnstated,
  groupTypeEnded,
} from "./group-errors.ts";
export { requireSameEvent } from "./id-taken.ts";
export { EventSender, type EventSenderOptions, GivenBack } from "./migration/event-sender.ts";
export { outgoingCopy } from "./migration/outgoing-copy.ts";
export { leaseEvent, type LeaseOperations, leaseOperationsOf } from "./leased-record.ts";
export type { LeaseSource } from "./lease-source.ts";
export { type LongPoll, longPoll, type Taken } from "./long-poll.ts";
export { isProcessGone, machineName } from "./machine.ts";
export { checkEventType, checkEventTypes, checkGroupName } from "./names.ts";
export {
  checkCount,
  checkMs,
  checkNumber,
  checkOptionNames,
  checkText,
  LONGEST_MS,
  type NumberRange,
} from "./options.ts";
export {
  checkHeaders,
  type OutgoingChecks,
  type OutgoingInput,
  type OutgoingRecord,
  placeOf,
  prepareEvent,
  prepareEvents,
} from "./outgoing.ts";
export {
  decodePayload,
  DEFAULT_PAYLOAD_BYTES,
  DEFAULT_PAYLOAD_DEPTH,
  encodePayload,
  MAX_PAYLOAD_BYTES,
  type PayloadLimits,
} from "./payload.ts";
export { isFatal, reportQueueError } from "./queue-errors.ts";
export { newQueueId } from "./queue-id.ts";
export {
  InstanceReader,
  type LogPage,
  type LogQuery,
  type LogSource,
  type ReaderRequest,
} from "./reader.ts";
export { typesOfStrangers } from "./member-types.ts";
export { type EventRecord, toStoredEvent } from "./stored-event.ts";
export {
  checkClaim,
  checkDeadLetterFilter,
  checkGroupReceive,
  checkHistory,
  checkReceive,
  checkStream,
  type DeadLetterRequest,
  type GroupReceiveRequest,
  type HistoryRequest,
  splitConsume,
  splitReceive,
} from "./requests.ts";
export {
  isToBeSeen,
  MOST_SET_ASIDE,
  presenceMs,
  TYPE_ENDS_AFTER_MS,
  type WantedSegment,
  WantedTypes,
} from "./wanted-types.ts";
