export { BackedQueue } from "./queue/backed-queue.ts";
export {
  BACKED_QUEUE_OPTION_NAMES,
  type BackedQueueOptions,
  type BackedQueueSettings,
  checkBackedQueueOptions,
} from "./queue/backed-queue-options.ts";
export { BackedTransactionalQueue } from "./queue/backed-transactional-queue.ts";
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
export { MIGRATION, type QueueMigration } from "./migration/queue-migration.ts";
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
} from "./sending/backlog-gate.ts";
export { canonicalJson } from "./sending/canonical-json.ts";
export { ChildIds } from "./sending/child-ids.ts";
export { childIdsOf } from "./queue/child-ids-of.ts";
export { Bell, type BellWait } from "./reading/bell.ts";
export { type CheckedConsumerOptions, checkConsumerOptions } from "./checking/consumer-options.ts";
export { ConsumerMiddlewares } from "./consuming/middleware-chain.ts";
export { createConsumer } from "./consuming/consumer-loop.ts";
export type { ConsumerWork } from "./consuming/handler-lookup.ts";
export { leaseLost, settleAfter, whenSettled } from "./consuming/delivery.ts";
export { EventHandling, type HandlingOptions, runDelivery } from "./sending/delivery-scope.ts";
export { isPermanent, toErrorData } from "./failures/error-data.ts";
export { createEventStream, type EventStream, type StreamRequest } from "./reading/event-stream.ts";
export { handlerEventTypes } from "./consuming/group-handlers.ts";
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
} from "./checking/group-policy.ts";
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
} from "./checking/group-errors.ts";
export { requireSameEvent } from "./sending/id-taken.ts";
export { EventSender, type EventSenderOptions, GivenBack } from "./migration/event-sender.ts";
export { outgoingCopy } from "./migration/outgoing-copy.ts";
export { leaseEvent, type LeaseOperations, leaseOperationsOf } from "./leasing/leased-record.ts";
export type { LeaseSource } from "./leasing/lease-source.ts";
export { type LongPoll, longPoll, type Taken } from "./reading/long-poll.ts";
export { isProcessGone, machineName } from "./groups/machine.ts";
export { checkEventType, checkEventTypes, checkGroupName } from "./checking/names.ts";
export {
  checkCount,
  checkMs,
  checkNumber,
  checkOptionNames,
  checkText,
  LONGEST_MS,
  type NumberRange,
} from "./checking/check-options.ts";
export {
  checkHeaders,
  type OutgoingChecks,
  type OutgoingInput,
  type OutgoingRecord,
  placeOf,
  prepareEvent,
  prepareEvents,
} from "./sending/outgoing.ts";
export {
  decodePayload,
  DEFAULT_PAYLOAD_BYTES,
  DEFAULT_PAYLOAD_DEPTH,
  encodePayload,
  MAX_PAYLOAD_BYTES,
  type PayloadLimits,
} from "./sending/payload.ts";
export { isFatal, reportQueueError } from "./failures/queue-errors.ts";
export { newQueueId } from "./sending/queue-id.ts";
export {
  InstanceReader,
  type LogPage,
  type LogQuery,
  type LogSource,
  type ReaderRequest,
} from "./reading/instance-reader.ts";
export { typesOfStrangers } from "./groups/member-types.ts";
export { type EventRecord, toStoredEvent } from "./sending/stored-event.ts";
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
} from "./reading/requests.ts";
export {
  isToBeSeen,
  MOST_SET_ASIDE,
  presenceMs,
  TYPE_ENDS_AFTER_MS,
  type WantedSegment,
  WantedTypes,
} from "./groups/wanted-types.ts";
