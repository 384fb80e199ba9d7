import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  type Stats,
  statfsSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { QueueError } from "@ringrift/event-queue";
import { tooManyFiles } from "./descriptors.ts";
import { entryAt, mayBePlanted } from "./file-owner.ts";

/**
 * Checks the path of a queue's file and makes it absolute. No I/O.
 *
 * @throws QueueError `INVALID_PATH`
 */
export function checkPath(path: unknown): string {
  if (typeof path !== "string")
    throw invalid(`Path of the queue is ${typeof path}. Give a string.`);
  if (path.trim() === "")
    throw invalid('Path of the queue is "". Give one, e.g. "data/events.db".');
  if (path.trim() === ":memory:") {
    throw invalid(
      '":memory:" is no file that processes could share. For a queue in memory use MemoryEventQueue of @ringrift/event-queue.',
    );
  }
  // SQLite would read parameters such as nolock=1 out of it, and then corrupt the file.
  if (/^\s*file:/i.test(path)) {
    throw invalid(`Path "${path}" is a URI. Give a plain path, e.g. "data/events.db".`);
  }
  if (path.includes("\0")) throw invalid("Path of the queue holds a NUL character.");
  // better-sqlite3 trims what it is given, and would open another file than the one made here.
  return resolve(path.trim());
}

/**
 * Makes the folder (0700) and the file (0600) if they don't exist; SQLite gives its `-wal` and `-shm` files
 * the mode of the database.
 *
 * @throws QueueError `CANNOT_OPEN`, `NETWORK_FILE_SYSTEM`
 */
export function prepareFile(path: string): void {
  try {
    makeFolder(dirname(path));
    refuseNetwork(path);
    if (entryAt(path) === undefined) createPrivately(path);
    const entry = entryAt(path);
    if (entry !== undefined) requireOwnFile(path, entry);
    for (const file of [`${path}-wal`, `${path}-shm`]) {
      const neighbour = entryAt(file);
      if (neighbour !== undefined) requireOwnFile(file, neighbour);
    }
  } catch (cause) {
    if (cause instanceof QueueError) throw cause;
    const crowded = tooManyFiles(path, cause);
    if (crowded !== undefined) throw crowded;
    throw new QueueError(
      "CANNOT_OPEN",
      `Queue "${path}" could not be made: ${cause instanceof Error ? cause.message : String(cause)}. Check that this process may write in the folder "${dirname(path)}".`,
      { cause },
    );
  }
}

/** SQLite would follow a link, and write whatever file of this user somebody else has it lead to. */
function requireOwnFile(path: string, entry: Stats): void {
  if (entry.isSymbolicLink()) {
    throw new QueueError(
      "CANNOT_OPEN",
      `"${path}" is a symbolic link, which is not followed: whoever made it would choose the file that is written. Give the path of the file itself, or delete the link.`,
    );
  }
  if (!entry.isFile()) throw notAFile(path, entry.isDirectory());
  if (!mayBePlanted(entry, path)) return;
  throw new QueueError(
    "CANNOT_OPEN",
    `"${path}" belongs to another user (${entry.uid}), in a folder that everybody may write: they may have put it there. Use a folder of your own, or delete it.`,
  );
}

/** Step by step: the recursive form of Node never returns where a folder can't be made, as in /proc. */
function makeFolder(folder: string): void {
  const entry = statSync(folder, { throwIfNoEntry: false });
  if (entry?.isDirectory() === true) return;
  if (entry !== undefined) {
    throw new QueueError(
      "CANNOT_OPEN",
      `"${folder}" is a file, and a queue was to be made in a folder of that name. Give another path.`,
    );
  }
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
    syncEntriesOf(parent);
  } catch (error) {
    // Another process was first.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** A new folder must be found again after a power cut. Blocks for a moment, once in the folder's life. */
function syncEntriesOf(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function notAFile(path: string, isFolder: boolean): QueueError {
  return new QueueError(
    "CANNOT_OPEN",
    isFolder
      ? `"${path}" is a folder. Give the path of a file in it, e.g. "${join(path, "events.db")}".`
      : `"${path}" is a device or a pipe. Give the path of an ordinary file.`,
  );
}

/**
 * Closing a descriptor of a file drops every lock this process has on it, those of SQLite in a worker thread
 * included. So the file is made under another name, closed there, and only then appears under its own.
 */
function createPrivately(path: string): void {
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`;
  closeSync(openSync(draft, "wx", 0o600));
  try {
    linkSync(draft, path);
  } catch (error) {
    const code = codeOf(error);
    // Another process was first; what it made is looked at by the caller.
    if (code === "EEXIST") return;
    // A file system without hard links.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
    closeSync(openSync(path, "ax", 0o600));
  } finally {
    unlinkSync(draft);
  }
}

/** Magic numbers of `statfs` on Linux: shared memory and locks don't work across machines there. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x517b, "SMB"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x47504653, "GPFS"],
  [0x0bd00bd0, "Lustre"],
]);

function refuseNetwork(path: string): void {
  if (process.platform !== "linux") return;
  const name = NETWORK_FILE_SYSTEMS.get(statfsSync(dirname(path)).type >>> 0);
  if (name === undefined) return;
  throw new QueueError(
    "NETWORK_FILE_SYSTEM",
    `Queue "${path}" is on a network file system (${name}), where SQLite's locks and shared memory corrupt the file. Give a path on a local disk: one file serves one machine.`,
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function invalid(message: string): QueueError {
  return new QueueError("INVALID_PATH", message);
}
