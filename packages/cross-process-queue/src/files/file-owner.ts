import { lstatSync, statSync, type Stats } from "node:fs";
import { dirname } from "node:path";

/** The database and the files next to it, by the ends of their names: those of SQLite, and the doorbell. */
const FILE_ENDS = ["", "-wal", "-shm", ".bell"];
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;

/** What is there under this very name: a link is not followed. `undefined` when there is nothing. */
export function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // A part of the path is a file: then there is nothing either.
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return undefined;
    throw error;
  }
}

/**
 * Whether somebody else may have put a file there to have it written or read: anybody may write in its folder, and its
 * owner is neither this user nor the system's, nor whoever has the folder.
 */
export function mayBePlanted(entry: Pick<Stats, "uid">, path: string): boolean {
  // The folder may well be reached through a link.
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (folder === undefined || isOurs(entry)) return false;
  return (folder.mode & OTHERS_WRITE) !== 0 && entry.uid !== folder.uid;
}

/** Of a queue's folder and files, those that others than this user and the system's may write. */
export function exposedFiles(databasePath: string): string[] {
  // Windows keeps lists of rights in their place.
  if (process.platform === "win32") return [];
  return [dirname(databasePath), ...FILE_ENDS.map((end) => `${databasePath}${end}`)].filter(
    (path) => {
      const entry = entryAt(path);
      return entry !== undefined && isExposed(entry);
    },
  );
}

function isExposed(entry: Stats): boolean {
  if (entry.isSymbolicLink()) return false;
  if (!isOurs(entry) || (entry.mode & OTHERS_WRITE) !== 0) return true;
  // A group of the owner's own has the same number by convention, and nobody else in it.
  return (entry.mode & GROUP_WRITES) !== 0 && entry.gid !== entry.uid;
}

function isOurs({ uid }: Pick<Stats, "uid">): boolean {
  return uid === 0 || uid === process.geteuid?.() || process.platform === "win32";
}
