export { injectFaults, type QueueFaults } from "./conformance/faults.ts";
export type {
  Feature,
  OpenOptions,
  QueueFactory,
  QueueFeatures,
  QueueFixture,
} from "./conformance/suite.ts";
export { testEventQueue } from "./conformance/test-event-queue.ts";
export type { Difference } from "./differential/difference.ts";
export type { KnownDifference } from "./differential/known-differences.ts";
export type { Situation } from "./differential/open-choices.ts";
export type { Command, Script } from "./differential/script.ts";
export { type SameAsMemoryOptions, testSameAsMemory } from "./differential/test-same-as-memory.ts";
