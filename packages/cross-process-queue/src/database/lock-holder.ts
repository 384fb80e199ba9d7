import { readFileSync, readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";
import { printable } from "@ringrift/envelope";

/** Byte of SQLite's shared-memory file that a writer locks; see "WAL-mode file format" of SQLite. */
const WRITE_LOCK_BYTE = 120;
/** Of `/proc/locks`: number, kind, advisory or not, access, process, device and inode, first and last byte. */
const LOCK =
  /^\d+: (?:POSIX|OFDLCK)\s+\S+\s+WRITE\s+(-?\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s+(\d+)\s+(\d+|EOF)$/;

const LONGEST_NAME = 64;

/** A process that is writing to the database, or keeps others from it. */
export interface LockHolder {
  readonly pid: number;
  /** Name of the file that it runs, e.g. `node`. Not its command line: people write passwords there. */
  readonly program: string;
}

/** Who has the write lock just now. On Linux only, and only within one namespace of process ids. */
export function lockHolder(databasePath: string): LockHolder | undefined {
  try {
    const { ino } = statSync(`${databasePath}-shm`);
    for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
      const [, pid, inode, first, last] = LOCK.exec(line) ?? [];
      if (Number(inode) !== ino || Number(first) > WRITE_LOCK_BYTE) continue;
      if (last !== "EOF" && Number(last) < WRITE_LOCK_BYTE) continue;
      // Not seen from here: 0, or a lock of an open file rather than of a process.
      if (Number(pid) > 0) return { pid: Number(pid), program: programOf(Number(pid)) };
    }
  } catch {
    // Another system, or there is no such file: then nobody knows.
  }
  return undefined;
}

/** The same, for people. */
export function describeHolder(databasePath: string): string {
  const holder = lockHolder(databasePath);
  return holder === undefined ? "another process" : `process ${holder.pid} (${holder.program})`;
}

function programOf(pid: number): string {
  try {
    return printable(basename(readlinkSync(`/proc/${pid}/exe`)), LONGEST_NAME);
  } catch {
    // Another user's process.
  }
  try {
    return printable(readFileSync(`/proc/${pid}/comm`, "utf8").trim(), LONGEST_NAME);
  } catch {
    return "unknown";
  }
}
