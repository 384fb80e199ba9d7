import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { QueueError } from "@ringrift/event-queue";

/** Whether this process, or the system, can open no more files now: SQLite only says that it couldn't open one. */
function isOutOfDescriptors(): boolean {
  try {
    closeSync(openSync(devNull, "r"));
    return false;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "EMFILE" || code === "ENFILE";
  }
}

/** The error of a file that could not be opened, if that is because too many are open. */
export function tooManyFiles(path: string, cause: unknown): QueueError | undefined {
  if (!isOutOfDescriptors()) return undefined;
  return new QueueError(
    "CANNOT_OPEN",
    `Queue "${path}": this process has too many files open (EMFILE), sockets included, so none of the queue's could be opened. Close some, or raise the limit ("ulimit -n"). Nothing is wrong with the file.`,
    { cause },
  );
}
