import { constants, copyFileSync, linkSync, rmSync } from "node:fs";
import { QueueError } from "@ringrift/event-queue";
import { entryAt } from "./file-owner.ts";

/**
 * Refuses a path at which there is something, a link that leads nowhere included.
 *
 * @throws QueueError `INVALID_PATH`
 */
export function requireNothingAt(path: string): void {
  if (entryAt(path) !== undefined) throw isThere(path);
}

/**
 * Gives a draft its name, at which there is nothing; the draft's own name is gone then. A rename would replace what has
 * come there in the meantime, and of two that are done at once the one that is done first.
 *
 * @throws QueueError `INVALID_PATH`
 */
export function nameDraft(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw isThere(path, error);
    copyDraft(draft, path);
  }
  rmSync(draft, { force: true });
}

/** On a file system without hard links. */
function copyDraft(draft: string, path: string): void {
  try {
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw isThere(path, error);
    throw error;
  }
}

function isThere(path: string, cause?: unknown): QueueError {
  return new QueueError(
    "INVALID_PATH",
    `"${path}" exists already and is left as it is. Give the path of a new file.`,
    { cause },
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
