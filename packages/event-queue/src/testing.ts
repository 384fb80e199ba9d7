export { injectFaults, type QueueFaults } from "./conformance/harness/faults.ts";
export type {
  Feature,
  OpenOptions,
  QueueFactory,
  QueueFeatures,
  QueueFixture,
} from "./conformance/harness/suite.ts";
export { testEventQueue } from "./conformance/test-event-queue.ts";
export { type SameAsMemoryOptions, testSameAsMemory } from "./differential/test-same-as-memory.ts";
