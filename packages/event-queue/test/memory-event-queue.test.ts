import { MemoryEventQueue, MemoryLog } from "../src/index.ts";
import { testEventQueue } from "../src/testing.ts";

testEventQueue(
  "MemoryEventQueue",
  {
    // The log is the state; instances come and go as processes do.
    persistent: true,
    multipleInstances: true,
    perKeyOrder: true,
    retention: true,
    groupExpiry: true,
    dedupeWindow: true,
    delayedSends: true,
    backpressure: true,
    skipping: true,
    migration: true,
    clockSteps: true,
    mixedTypes: true,
    groupKinds: true,
    deadLetterRetention: true,
    clock: true,
  },
  async () => {
    let log: MemoryLog | undefined;
    let steppedMs = 0;
    const now = (): number => Date.now() + steppedMs;
    return {
      open: ({ dedupeWindowMs, retentionMs, ...options } = {}) => {
        log ??= new MemoryLog({ dedupeWindowMs, retentionMs, now });
        return new MemoryEventQueue({ ...options, log });
      },
      stepClock: (ms) => {
        steppedMs += ms;
      },
      dispose: async () => {},
    };
  },
);
