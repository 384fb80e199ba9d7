export type { AnyContracts, Contracts, EventName, EventView, PayloadOf } from "./contracts.ts";
export { currentEvent, runDetached, runWithEvent, runWithEventSync } from "./context.ts";
export { EnvelopeError, type EnvelopeErrorCode } from "./errors.ts";
export {
  type EventStamp,
  eventIdOf,
  isEventId,
  newEventId,
  newInstanceId,
  nextStamp,
  nodeId,
} from "./identity.ts";
export {
  createLineage,
  type EventLineage,
  type LineageOptions,
  MAX_HOPS,
  passedVia,
  pickLineage,
  validateLineage,
} from "./lineage.ts";
export { parseStartFrom, type StartFrom, toMillis } from "./time.ts";
