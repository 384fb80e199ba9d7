import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { NatsServer, SERVER } from "test-servers";

/** Where the queue of a test may be. */
export const BACKENDS = ["a file", "NATS"] as const;

/** Why tests on this backend are skipped, if they are. */
export function lacking(backend: (typeof BACKENDS)[number]): string | undefined {
  return backend === "NATS" && SERVER !== true ? SERVER : undefined;
}

/** A queue of a test's own that doesn't exist yet: where it is, for `openAt`. */
export async function freshQueue(backend: (typeof BACKENDS)[number]): Promise<string> {
  if (backend === "a file") return join(tempFolder(), "events.db");
  const server = await NatsServer.start();
  onTestFinished(() => server.dispose());
  return `${server.url}#test`;
}

/** A folder of its own for a test, removed when it is finished. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-process-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
