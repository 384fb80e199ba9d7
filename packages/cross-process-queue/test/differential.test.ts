import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testSameAsMemory } from "@ringrift/event-queue/testing";
import { CrossProcessEventQueue } from "../src/index.ts";

testSameAsMemory("CrossProcessEventQueue", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-queue-"));
  const dbPath = join(folder, "events.db");
  return {
    // Nothing of it has to survive, and syncs are most of what a command costs.
    open: (options) =>
      new CrossProcessEventQueue({ dbPath, survives: "process-crash", ...options }),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
