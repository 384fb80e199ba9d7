import { realpathSync } from "node:fs";
import { QueueError } from "@ringrift/event-queue";
import {
  loadDriver,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
} from "../files/driver.ts";
import { checkPath } from "../files/location.ts";
import { pauseAfter } from "./write-lock.ts";
import { checkSchema, type SchemaRow, type SchemaUse } from "../schema/schema-version.ts";
import { SQL } from "../schema/statements.ts";
import { isBusy, toQueueError } from "./sqlite-errors.ts";

/** Where the database comes from: a file this package opens, or a handle that somebody else owns. */
export type DatabaseSource = { readonly path: string } | { readonly database: SqliteDatabase };

/**
 * How long a statement may sleep on the event loop for a lock while the file is being opened: long enough for the
 * moments in which SQLite itself locks readers out (recovery), too short to be felt.
 */
export const BUSY_TIMEOUT_MS = 2;
/** How long opening and reading try again, asynchronously, before they say `QUEUE_BUSY`. */
export const BUSY_DEADLINE_MS = 10_000;

/** Checks a source without any I/O. */
export function checkSource(source: DatabaseSource): DatabaseSource {
  if ("path" in source) return { path: checkPath(source.path) };
  const { database } = source;
  if (typeof database?.prepare !== "function" || typeof database.pragma !== "function") {
    throw new QueueError(
      "INVALID_OPTION",
      'Option "database" is no Database of better-sqlite3. Give an open one, or a path.',
    );
  }
  if (database.memory) {
    throw new QueueError(
      "INVALID_PATH",
      `Option "database" is a database in memory ("${database.name}"), which no process could share. Open a file, or use MemoryEventQueue of @ringrift/event-queue.`,
    );
  }
  return source;
}

/** So long a program may go by what it saw of the schema version. */
const LOOK_AGAIN_MS = 500;
/** So long a program waits that puts an end to older versions: each of them has looked by then. */
export const ANNOUNCED_MS: number = 2 * LOOK_AGAIN_MS;

/** One open database, with its prepared statements. `openConnection()` gives one that is checked and set up. */
export class Connection {
  readonly database: SqliteDatabase;
  /** The real path of the file, symbolic links resolved. */
  readonly path: string;
  /** Whether it was opened here; else its settings and its end are somebody else's. */
  readonly owned: boolean;
  readonly #statements = new Map<string, SqliteStatement>();
  /** When the schema version is to be looked at again, on the monotone clock. */
  readonly #lookAgainAt: Record<SchemaUse, number> = { read: 0, write: 0 };

  constructor(database: SqliteDatabase, path: string, owned: boolean) {
    this.database = database;
    this.path = path;
    this.owned = owned;
  }

  /** The first row that a statement of the schema selects; `Row` is what it says it selects. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- one place for the one cast
  get<Row>(sql: string, ...parameters: unknown[]): Row | undefined {
    // The cast is safe: the schema and its statements are ours.
    return this.#statement(sql).get(...parameters) as Row | undefined;
  }

  /** All rows that a statement of the schema selects. Every such statement is bounded. */
  all<Row>(sql: string, ...parameters: unknown[]): Row[] {
    // The cast is safe: the schema and its statements are ours.
    return this.#statement(sql).all(...parameters) as Row[];
  }

  /** Runs a statement; the number of rows it changed. */
  run(sql: string, ...parameters: unknown[]): number {
    return this.#statement(sql).run(...parameters).changes;
  }

  /** The prepared statement of a text, made once. */
  #statement(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    // The cast is safe: what better-sqlite3 returns.
    const statement = this.database.prepare(sql) as SqliteStatement;
    // A handle given to us may have been told to give bigints.
    statement.safeIntegers(false);
    this.#statements.set(sql, statement);
    return statement;
  }

  /**
   * Runs a function that only reads, in one view, again while the file is locked; errors of SQLite become ours.
   *
   * @throws QueueError (rejects) `SCHEMA_TOO_NEW`, and as `retry`
   */
  read<T>(look: () => T): Promise<T> {
    return this.retry(() =>
      this.inOneView(() => {
        this.requireSchema("read");
        return look();
      }),
    );
  }

  /**
   * Looks whether this program may use the file so. To be asked in every transaction: another program may have brought the
   * file to a newer version in the meantime. It looks twice a second at most: a version that puts an end to older ones says
   * so first, and waits until all of them have looked.
   *
   * @throws QueueError `SCHEMA_TOO_NEW`, `QUEUE_DAMAGED`
   */
  requireSchema(use: SchemaUse): void {
    const now = performance.now();
    if (now < this.#lookAgainAt[use]) return;
    this.schemaVersion(use);
    this.#lookAgainAt[use] = now + LOOK_AGAIN_MS;
  }

  /**
   * The schema version of the file, if this program may use it so.
   *
   * @throws QueueError `SCHEMA_TOO_NEW`, `QUEUE_DAMAGED`
   */
  schemaVersion(use: SchemaUse): number {
    return checkSchema(this.get<SchemaRow>(SQL.schemaRow), use, this.path);
  }

  /**
   * Runs a function that only reads: it sees one state of the file, whatever others commit in the meantime. And SQLite
   * takes its lock once for all of its statements, which costs several times what a short one does.
   */
  inOneView<T>(look: () => T): T {
    // Who shares the handle has a view of their own.
    if (this.database.inTransaction) return look();
    this.run(SQL.beginReading);
    try {
      return look();
    } finally {
      if (this.database.inTransaction) this.run(SQL.rollback);
    }
  }

  /**
   * Tries again, asynchronously, while another process holds the lock; errors of SQLite become ours.
   *
   * @throws QueueError (rejects) `QUEUE_BUSY` after 10 s, and what else SQLite says
   */
  async retry<T>(attempt: () => T): Promise<T> {
    const deadline = performance.now() + BUSY_DEADLINE_MS;
    for (let tries = 1; ; tries += 1) {
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw toQueueError(error, this.path);
        await pauseAfter(tries);
      }
    }
  }

  /**
   * Begins a write transaction, or throws `SQLITE_BUSY` at once: the handle of somebody else may have been
   * told to sleep for seconds, and the event loop with it.
   *
   * @throws QueueError `SCHEMA_TOO_NEW`
   */
  begin(): void {
    this.beginUnchecked();
    try {
      this.requireSchema("write");
    } catch (error) {
      if (this.database.inTransaction) this.run(SQL.rollback);
      throw error;
    }
  }

  /** The same in a file that may have no tables yet, or those of a version before. */
  beginUnchecked(): void {
    if (this.owned) {
      withoutStackTrace(() => this.run(SQL.begin));
      return;
    }
    const timeout = Number(this.database.pragma("busy_timeout", { simple: true }));
    this.database.pragma("busy_timeout = 0");
    try {
      withoutStackTrace(() => this.run(SQL.begin));
    } finally {
      this.database.pragma(`busy_timeout = ${timeout}`);
    }
  }

  /** Version of SQLite, e.g. `3.53.3`. */
  get sqliteVersion(): string {
    return this.get<{ version: string }>(SQL.sqliteVersion)?.version ?? "";
  }

  /** Bytes of the database that hold something; the file may be larger, and uses the rest again. */
  get usedBytes(): number {
    return this.get<{ bytes: number }>(SQL.usedBytes)?.bytes ?? 0;
  }

  /** Bytes of the database that hold nothing, and that what is written next goes into. */
  get unusedBytes(): number {
    return this.get<{ bytes: number }>(SQL.unusedBytes)?.bytes ?? 0;
  }

  /**
   * Sees to it that a checkpoint waits for the disk, which all that was synced before rests on; outside of
   * transactions only. A handle that somebody else owns is never set to less, and looked at each time, since
   * they may set it too.
   */
  requireSynchronous(): void {
    if (this.owned) return;
    if (this.get<{ synchronous: number }>(SQL.synchronous)?.synchronous !== 0) return;
    this.database.pragma("synchronous = NORMAL");
  }

  /** Another connection to the same file, by the same copy of SQLite; who asks for it closes it. */
  openAnother(): SqliteDatabase {
    // The cast is safe: what made the handle makes another one.
    const Driver = this.owned ? loadDriver() : (this.database.constructor as SqliteDriver);
    const database = new Driver(this.path, { timeout: BUSY_TIMEOUT_MS });
    database.pragma("trusted_schema = OFF");
    return database;
  }

  /** Closes the database if it was opened here. */
  close(): void {
    if (this.owned && this.database.open) this.database.close();
  }
}

/** That somebody else holds a lock is no surprise: a stack trace would cost more than asking again. */
function withoutStackTrace(attempt: () => unknown): void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    attempt();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** A path with its symbolic links resolved, where it can be. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
