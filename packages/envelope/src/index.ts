export type { AnyContracts, Contracts, EventName, EventView, PayloadOf } from "./contracts.ts";
export { eventClock } from "./clock.ts";
export {
  currentEvent,
  enterEventSync,
  leaveEventSync,
  type OuterEvent,
  runDetached,
  runWithEvent,
  runWithEventSync,
} from "./context.ts";
export { EnvelopeError, type EnvelopeErrorCode } from "./errors.ts";
export { eventIdOf, isEventId, newEventId, newInstanceId, nodeId } from "./identity.ts";
export {
  createLineage,
  type EventLineage,
  type LineageOptions,
  MAX_HOPS,
  passedVia,
  pickLineage,
  validateLineage,
} from "./lineage.ts";
export { outcomeProblem } from "./outcome.ts";
export { parseStartFrom, type StartFrom, toMillis } from "./time.ts";
