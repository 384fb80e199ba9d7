import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { tempFolder } from "./nodes.ts";

describe("a durable publish into a file that can't be written", () => {
  it("rejects with a code, and no local handler runs", async () => {
    const folder = tempFolder();
    const dbPath = join(folder, "not-a-folder", "events.db");
    writeFileSync(join(folder, "not-a-folder"), "a file where a folder belongs");
    const queue = new CrossProcessEventQueue(dbPath);
    // The way back would fail at start; this test is about the way out.
    const events = createCoordinator({ queue, bridges: { queueToTopic: false } });
    onTestFinished(async () => {
      await events.close({ timeoutMs: 100 });
      await queue.close();
    });
    const handler = vi.fn();
    events.bus.subscribe("data.new_games", handler);
    await events.start();
    await expect(
      events.publish("data.new_games", { count: 1, source: "test" }),
    ).rejects.toMatchObject({ code: "CANNOT_OPEN" });
    expect(handler).not.toHaveBeenCalled();
    await expect(createCoordinator({ queue }).start()).rejects.toMatchObject({
      code: "CANNOT_OPEN",
    });
  });
});
