export type {
  AnyContracts,
  Contracts,
  EventName,
  EventView,
  NearNames,
  PayloadOf,
} from "./lineage/contracts.ts";
export { eventClock } from "./identity/clock.ts";
export {
  currentEvent,
  enterEventSync,
  leaveEventSync,
  type OuterEvent,
  runDetached,
  runWithEvent,
  runWithEventCleanly,
  runWithEventSync,
} from "./lineage/context.ts";
export {
  type Child,
  type ChildContent,
  currentScope,
  type DeliveryScope,
  runInScope,
} from "./lineage/delivery-scope.ts";
export { EnvelopeError, type EnvelopeErrorCode } from "./host/errors.ts";
export {
  derivedEventId,
  type DerivedFrom,
  eventIdOf,
  isDerivedId,
  isEventId,
  newEventId,
  newInstanceId,
  nodeId,
} from "./identity/identity.ts";
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
} from "./lineage/lineage.ts";
export { outcomeProblem } from "./lineage/outcome.ts";
export { printable, printableStack, quoted } from "./host/quoted.ts";
export { parseStartFrom, type StartFrom, toMillis } from "./identity/time.ts";
export { type RunawayTrail, TrailWatch, type TrailWatchOptions } from "./lineage/trail-watch.ts";
