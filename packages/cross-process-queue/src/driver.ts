import { createRequire } from "node:module";
import { QueueError } from "@ringrift/event-queue";

/** What this package uses of a prepared statement of better-sqlite3. */
export interface SqliteStatement {
  run(...parameters: unknown[]): { readonly changes: number };
  get(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown[];
  safeIntegers(on?: boolean): unknown;
}

/** What this package uses of an open database of better-sqlite3: a `Database` of that package is one. */
export interface SqliteDatabase {
  readonly name: string;
  readonly open: boolean;
  readonly inTransaction: boolean;
  readonly readonly: boolean;
  readonly memory: boolean;
  prepare(sql: string): unknown;
  exec(sql: string): unknown;
  pragma(source: string, options?: { simple?: boolean }): unknown;
  backup(path: string, options: { progress: () => number }): Promise<unknown>;
  close(): unknown;
}

/**
 * What the callback of a transaction sees of the database where no handle was given: a `Database` of better-sqlite3 has
 * all of it. `Parameters` are what a statement is bound to, `Row` is what it selects.
 */
export interface TransactionDatabase {
  prepare<Parameters extends unknown[] = unknown[], Row = unknown>(
    sql: string,
  ): {
    run(...parameters: Parameters): {
      readonly changes: number;
      readonly lastInsertRowid: number | bigint;
    };
    get(...parameters: Parameters): Row | undefined;
    all(...parameters: Parameters): Row[];
    iterate(...parameters: Parameters): IterableIterator<Row>;
  };
  exec(sql: string): unknown;
}

/** The class that better-sqlite3 exports. */
export type SqliteDriver = new (path: string, options: { timeout: number }) => SqliteDatabase;

const OLDEST_NODE: readonly [number, number] = [22, 19];
const INSTALL = "npm install better-sqlite3@13";

/**
 * Loads better-sqlite3, the peer dependency. On a Node that is too old its native part would end the
 * process with a segmentation fault, so the version is looked at first.
 *
 * @throws QueueError `NODE_TOO_OLD`, `DRIVER_MISSING`
 */
export function loadDriver(): SqliteDriver {
  requireNode(process.versions.node);
  try {
    // The cast is safe: what that package exports.
    return createRequire(import.meta.url)("better-sqlite3") as SqliteDriver;
  } catch (cause) {
    throw new QueueError(
      "DRIVER_MISSING",
      `better-sqlite3 could not be loaded (${cause instanceof Error ? firstLine(cause.message) : String(cause)}). It is a peer dependency: run "${INSTALL}".`,
      { cause },
    );
  }
}

function requireNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new QueueError(
    "NODE_TOO_OLD",
    `This is Node.js "${version}"; the queue needs ${OLDEST_NODE.join(".")} or later, because better-sqlite3 ends older ones with a crash. Update Node.js.`,
  );
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
