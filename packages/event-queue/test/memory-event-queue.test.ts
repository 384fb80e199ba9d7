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
  },
  async () => {
    let log: MemoryLog | undefined;
    return {
      open: ({ events, maxPayloadBytes, ...options } = {}) => {
        log ??= new MemoryLog(options);
        return new MemoryEventQueue({ events, maxPayloadBytes, log });
      },
      dispose: async () => {},
    };
  },
);
