export { injectFaults, type QueueFaults } from "./conformance/faults.ts";
export type {
  Feature,
  OpenOptions,
  QueueFactory,
  QueueFeatures,
  QueueFixture,
} from "./conformance/suite.ts";
export { testEventQueue } from "./conformance/test-event-queue.ts";
export { type SameAsMemoryOptions, testSameAsMemory } from "./differential/test-same-as-memory.ts";
