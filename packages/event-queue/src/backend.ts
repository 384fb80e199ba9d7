export {
  type Backlog,
  BacklogGate,
  type BacklogLimit,
  type BacklogOptions,
  checkBacklog,
} from "./backlog-gate.ts";
export { Bell, type BellWait } from "./bell.ts";
export { type CheckedConsumerOptions, checkConsumerOptions } from "./consumer-options.ts";
export { ConsumerMiddlewares } from "./consumer-middleware.ts";
export { createConsumer } from "./consumer-loop.ts";
export { leaseLost } from "./delivery.ts";
export { nextChildDedupeKey, runDelivery } from "./delivery-scope.ts";
export { isPermanent, toErrorData } from "./error-data.ts";
export { createEventStream, type EventStream, type StreamRequest } from "./event-stream.ts";
export { handlerEventTypes } from "./group-handlers.ts";
export {
  backoffDelayMs,
  checkGroupPolicy,
  checkSameGroupPolicy,
  completeGroupPolicy,
  decodeGroupPolicy,
  DEFAULT_GROUP_POLICY,
  encodeGroupPolicy,
  type GivenGroupPolicy,
  type StoredGroupPolicy,
} from "./group-policy.ts";
export { groupSkipped } from "./group-skipped.ts";
export { leaseEvent, type LeaseOperations, leaseOperationsOf } from "./leased-record.ts";
export type { LeaseSource } from "./lease-source.ts";
export { type LongPoll, longPoll, type Taken } from "./long-poll.ts";
export { isProcessGone, machineName } from "./machine.ts";
export { checkEventType, checkEventTypes, checkGroupName } from "./names.ts";
export {
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
export {
  InstanceReader,
  type LogPage,
  type LogQuery,
  type LogSource,
  type ReaderRequest,
} from "./reader.ts";
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
