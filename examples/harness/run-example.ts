import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { onTestFinished } from "vitest";
import { findExample } from "./list.ts";
import { startExample } from "./start.ts";

/** What an example left behind when its process had ended. */
export interface FinishedExample {
  /** Lines of its standard output, without the last line break. */
  readonly lines: readonly string[];
  readonly stderr: string;
  /** Its exit code; `null` when a signal ended it. */
  readonly code: number | null;
  /** The folder it ran in, there until the test is finished. */
  readonly cwd: string;
}

/** Runs an example to its end, as a process of its own in an empty folder. For tests. */
export async function runExample(name: string): Promise<FinishedExample> {
  const example = findExample(name);
  if (!example) throw new Error(`There is no example "${name}".`);
  const cwd = mkdtempSync(join(tmpdir(), "ringrift-example-"));
  const child = startExample(example.file, { cwd, stdio: "pipe" });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    rmSync(cwd, { recursive: true, force: true });
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error("The example's output is not piped.");
  const [output, errors] = await Promise.all([text(stdout), text(stderr), once(child, "exit")]);
  return { lines: output.trimEnd().split("\n"), stderr: errors, code: child.exitCode, cwd };
}

/** The queue an example used, to look at what is in it; closed when the test is finished. */
export function openQueueOf(example: FinishedExample, path: string): CrossProcessEventQueue {
  const queue = new CrossProcessEventQueue(join(example.cwd, path));
  onTestFinished(() => queue.close());
  return queue;
}
