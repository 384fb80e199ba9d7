import { createRequire } from "node:module";
import { join } from "node:path";
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
  /** @throws what better-sqlite3 throws */
  pragma(source: string, options?: { simple?: boolean }): unknown;
  /** @throws what better-sqlite3 throws (rejects) */
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

const INSTALL = "npm install better-sqlite3@13";

/**
 * Loads better-sqlite3, the peer dependency.
 *
 * @throws QueueError `DRIVER_MISSING`
 */
export function loadDriver(): SqliteDriver {
  const here = thisModule();
  try {
    // The cast is safe: what that package exports.
    return createRequire(here)("better-sqlite3") as SqliteDriver;
  } catch (cause) {
    throw new QueueError(
      "DRIVER_MISSING",
      `better-sqlite3 could not be loaded from "${here}" (${cause instanceof Error ? firstLine(cause.message) : String(cause)}). It is a peer dependency: run "${INSTALL}". If that is a bundle, install it where the bundle is: its native part can't be bundled.`,
      { cause },
    );
  }
}

/** The file that this code is in. In a bundle that is a CommonJS module there is no `import.meta`, but a `__filename`. */
function thisModule(): string {
  const { url } = import.meta as { readonly url?: string };
  if (url !== undefined) return url;
  return typeof __filename === "string" ? __filename : join(process.cwd(), "bundle.cjs");
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
