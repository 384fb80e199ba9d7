import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testEventQueue } from "@ringrift/event-queue/testing";
import { CrossProcessEventQueue } from "../src/index.ts";

testEventQueue(
  "CrossProcessEventQueue",
  {
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
    const folder = mkdtempSync(join(tmpdir(), "ringrift-queue-"));
    const dbPath = join(folder, "events.db");
    const realNow = Date.now;
    return {
      open: (options) => new CrossProcessEventQueue({ dbPath, ...options }),
      stepClock: (ms) => {
        const before = Date.now.bind(Date);
        Date.now = () => before() + ms;
      },
      dispose: async () => {
        Date.now = realNow;
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
);
