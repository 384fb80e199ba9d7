import { QueueError, type QueueErrorCode } from "@ringrift/event-queue";
import { tooManyFiles } from "../files/descriptors.ts";

/** The result code of an error of SQLite, e.g. `SQLITE_BUSY_SNAPSHOT`; `undefined` for other errors. */
function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof QueueError || !("code" in error)) {
    return undefined;
  }
  return typeof error.code === "string" && error.code.startsWith("SQLITE_")
    ? error.code
    : undefined;
}

/** Whether somebody else holds a lock right now, so that trying again soon helps. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && /^SQLITE_(?:BUSY|LOCKED|PROTOCOL)/.test(code);
}

/** Whether the disk is full. */
export function isFull(error: unknown): boolean {
  return sqliteCode(error)?.startsWith("SQLITE_FULL") === true;
}

const MEANINGS: readonly (readonly [string, QueueErrorCode, string])[] = [
  ["SQLITE_BUSY", "QUEUE_BUSY", "Another process holds the file's write lock. Try again."],
  ["SQLITE_FULL", "QUEUE_FULL", "The disk is full. Free some space; nothing stored is lost."],
  [
    "SQLITE_READONLY",
    "QUEUE_READ_ONLY",
    "This process may read the file but not write it. Give it write permission on the file and its folder.",
  ],
  [
    "SQLITE_CANTOPEN",
    "CANNOT_OPEN",
    "Check that the folder exists and that this process may write in it: SQLite keeps two files next to the database.",
  ],
  ["SQLITE_PERM", "CANNOT_OPEN", "Check the permissions of the file and its folder."],
  [
    "SQLITE_NOTADB",
    "NOT_A_QUEUE",
    "The file is no SQLite database. Give the path of a new file; if it was a queue, its beginning is damaged: see salvageQueue.",
  ],
  [
    "SQLITE_CORRUPT",
    "QUEUE_DAMAGED",
    "The file is damaged. Stop all processes that use it, keep it, and bring what can be read into a new one: salvageQueue(path, newPath).",
  ],
];

/** Turns an error of SQLite into one of ours, with the path and what to do. Others pass as they are. */
export function toQueueError(error: unknown, path: string): unknown {
  if (error instanceof TypeError && /connection is not open/.test(error.message)) {
    return new QueueError(
      "QUEUE_CLOSED",
      `Queue "${path}": the handle that was given as "database" was closed. Close the queue first.`,
      { cause: error },
    );
  }
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const crowded = code.startsWith("SQLITE_CANTOPEN") ? tooManyFiles(path, error) : undefined;
  if (crowded !== undefined) return crowded;
  const [, meaning, todo] = MEANINGS.find(([prefix]) => code.startsWith(prefix)) ?? [
    code,
    "STORAGE_FAILED" as const,
    "Look at the disk and at the file (PRAGMA integrity_check), and restart.",
  ];
  return new QueueError(
    meaning,
    `Queue "${path}": ${error instanceof Error ? error.message : code} (${code}). ${todo}`,
    { cause: error },
  );
}
