import { readdirSync, type Stats, statSync } from "node:fs";
import type { Connection } from "./connection.ts";

/** Connections of this thread, whoever closes their handles. */
const connections = new Set<Connection>();

/** Remembers a connection until its handle is closed. */
export function noteConnection(connection: Connection): void {
  for (const known of connections) if (!known.database.open) connections.delete(known);
  connections.add(connection);
}

/**
 * Whether this process has a file open: then it must not be opened through `fs`, since closing that drops the locks of
 * SQLite on it. On Linux whoever has opened it is found, in other threads too; elsewhere the queues of this thread are.
 */
export function isOpenHere(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return false;
  for (const { database, path: open } of connections) {
    if (database.open && isSame(file, statSync(open, { throwIfNoEntry: false }))) return true;
  }
  return descriptors().some((descriptor) => isSame(file, statOf(descriptor)));
}

function descriptors(): string[] {
  try {
    return readdirSync("/proc/self/fd").map((name) => `/proc/self/fd/${name}`);
  } catch {
    return [];
  }
}

function statOf(descriptor: string): Stats | undefined {
  try {
    return statSync(descriptor);
  } catch {
    // Closed meanwhile, or of a kind that can't be asked.
    return undefined;
  }
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return one.ino === other?.ino && one.dev === other.dev;
}
