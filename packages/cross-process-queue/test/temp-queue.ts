import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrossProcessEventQueue, type CrossProcessQueueOptions } from "../src/index.ts";
import { onTestFinished } from "vitest";

/** A folder of this test's own, removed afterwards. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-queue-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of a queue that doesn't exist yet, in a folder of its own. */
export function tempPath(): string {
  return join(tempFolder(), "events.db");
}

/** A queue on `path`, closed after the test. */
export function openQueue(
  path: string,
  options?: CrossProcessQueueOptions,
): CrossProcessEventQueue {
  const queue = new CrossProcessEventQueue(path, options);
  onTestFinished(() => queue.close());
  return queue;
}

/** Waits until `look` gives something other than `undefined` or `false`; fails after ten seconds. */
export async function until<T>(
  look: () => T | Promise<T>,
): Promise<Exclude<Awaited<T>, undefined | false>> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) {
      return found as Exclude<Awaited<T>, undefined | false>;
    }
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${look.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
