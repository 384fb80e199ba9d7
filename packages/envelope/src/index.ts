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
export {
  type Child,
  type ChildContent,
  currentScope,
  type DeliveryScope,
  runInScope,
} from "./delivery-scope.ts";
export { EnvelopeError, type EnvelopeErrorCode } from "./errors.ts";
export {
  derivedEventId,
  type DerivedFrom,
  eventIdOf,
  isDerivedId,
  isEventId,
  newEventId,
  newInstanceId,
  nodeId,
} from "./identity.ts";
export {
  createLineage,
  depthBelow,
  type EventLineage,
  type LineageOptions,
  MAX_CAUSES,
  MAX_HOPS,
  passedVia,
  pickLineage,
  validateLineage,
} from "./lineage.ts";
export { outcomeProblem } from "./outcome.ts";
export { printable, printableStack, quoted } from "./quoted.ts";
export { parseStartFrom, type StartFrom, toMillis } from "./time.ts";
export { type RunawayTrail, TrailWatch, type TrailWatchOptions } from "./trail-watch.ts";
