import { QueueError } from "@ringrift/event-queue";
import { ANNOUNCED_MS, type Connection } from "./connection.ts";
import { type Migration, MIGRATIONS } from "../schema/migrations.ts";
import { requireOwnSchema } from "../schema/own-schema.ts";
import { SQL } from "../schema/statements.ts";
import type { SchemaRow } from "../schema/schema-version.ts";

/** Older ones can corrupt the file when the write-ahead log is reset. */
const OLDEST_SQLITE: readonly [number, number, number] = [3, 51, 3];
/** Since when an end of older versions is known to be announced, on the monotone clock. */
const announced = new WeakMap<Connection, number>();
/** Work goes on at the ends of a few trees; and whenever another process commits, the cache begins anew. */
const CACHE_KIB = 2_000;
const JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024;

/**
 * Makes an open database a queue: checks whose it is, sets it up and brings its schema up to date. Looks
 * before it changes anything: somebody else's file stays as it is. May be repeated when it was busy.
 *
 * @throws QueueError `SQLITE_TOO_OLD`, `NOT_A_QUEUE`, `SCHEMA_TOO_NEW`, `QUEUE_DAMAGED`, `CANNOT_OPEN`
 */
export function setUpDatabase(connection: Connection): void {
  const { database, owned } = connection;
  requireSqlite(connection.sqliteVersion);
  requireShared(connection);
  // The owner of a shared handle is in the middle of something; neither the journal nor the schema can be set.
  if (database.inTransaction) throw busy();
  // Else a migration by another process would fall between two looks.
  const version = connection.inOneView(() => {
    const found = schemaVersion(connection);
    if (found > 0) requireOwnSchema(database, connection.path, found);
    return found;
  });
  // Else macOS only hands over to the disk's cache, which a power cut empties. Handles of others need it as much: their
  // checkpoints take the queue's log into the file and write over it.
  database.pragma("fullfsync = ON");
  database.pragma("checkpoint_fullfsync = ON");
  if (owned) {
    database.pragma("mmap_size = 0");
    database.pragma(`cache_size = -${CACHE_KIB}`);
    database.pragma("trusted_schema = OFF");
    database.pragma("cell_size_check = ON");
  }
  useWriteAheadLog(connection);
  if (owned) {
    database.pragma(`journal_size_limit = ${JOURNAL_SIZE_LIMIT}`);
    // What has to wait for the disk does so after its commit: see write-ahead-log.ts.
    database.pragma("synchronous = NORMAL");
    // Instead of SQLite: see checkpoints.ts.
    database.pragma("wal_autocheckpoint = 0");
  }
  if (version < MIGRATIONS.length) migrate(connection);
}

function requireSqlite(version: string): void {
  const parts = version.split(".").map(Number);
  const index = OLDEST_SQLITE.findIndex((oldest, at) => oldest !== (parts[at] ?? 0));
  if (index === -1 || (parts[index] ?? 0) > (OLDEST_SQLITE[index] ?? 0)) return;
  throw new QueueError(
    "SQLITE_TOO_OLD",
    `This better-sqlite3 has SQLite "${version}"; the queue needs ${OLDEST_SQLITE.join(".")} or later, because older ones can corrupt the file. Run "npm install better-sqlite3@13".`,
  );
}

/** SQLite keeps the index of the write-ahead log to itself then, so that nobody else could open the file. */
function requireShared({ database, path }: Connection): void {
  if (database.pragma("locking_mode", { simple: true }) !== "exclusive") return;
  throw new QueueError(
    "CANNOT_OPEN",
    `Queue "${path}": the handle that was given as "database" has "locking_mode = EXCLUSIVE", so that no other process could open the file. Open it without that; or give the queue a file of its own.`,
  );
}

/** The schema version of a file that is ours; 0 where it may become so. */
function schemaVersion(connection: Connection): number {
  const { owned, path } = connection;
  const count = (sql: string): number => connection.get<{ count: number }>(sql)?.count ?? 0;
  if (count(SQL.hasSchemaTable) > 0) return connection.schemaVersion("read");
  // Anyone who hands over a handle wants the queue among their own tables; a path is rather a mistake.
  if (!owned || count(SQL.countTables) === 0) return 0;
  throw new QueueError(
    "NOT_A_QUEUE",
    `"${path}" is a database with other tables, and without the queue's. Give the queue a file of its own; to keep it among your tables, give it your open handle as "database".`,
  );
}

function useWriteAheadLog({ database, path }: Connection): void {
  const mode = (): unknown => database.pragma("journal_mode", { simple: true });
  if (mode() === "wal") return;
  database.pragma("journal_mode = WAL");
  if (mode() === "wal") return;
  throw new QueueError(
    "CANNOT_OPEN",
    `Queue "${path}" is on a file system without the shared memory that SQLite's write-ahead log needs. Give a path on a local disk.`,
  );
}

function migrate(connection: Connection): void {
  const { database } = connection;
  connection.beginUnchecked();
  try {
    // Another process may have done it while this one waited for the lock.
    const done = schemaVersion(connection);
    const steps = MIGRATIONS.slice(done);
    const last = steps.at(-1);
    const isDue = last === undefined || done === 0 || isAnnounced(connection, done, last);
    if (isDue) for (const { sql } of steps) database.exec(sql);
    if (last !== undefined) {
      const { readableFrom, writableFrom } = last;
      const version = isDue ? MIGRATIONS.length : done;
      connection.run(SQL.setSchemaRow, version, readableFrom, writableFrom);
    }
    connection.run(SQL.commit);
    // It is tried again, as when somebody else had the lock.
    if (!isDue) throw busy();
  } catch (error) {
    if (database.inTransaction) connection.run(SQL.rollback);
    throw error;
  }
}

/**
 * Whether no program of an older version goes on any more that these steps put an end to: they look at the schema's row
 * now and then, and it has said so for long enough.
 */
function isAnnounced(connection: Connection, done: number, last: Migration): boolean {
  const end = Math.max(last.readableFrom, last.writableFrom);
  if (end <= done) return true;
  const row = connection.get<SchemaRow>(SQL.schemaRow);
  const isSaid = row?.readableFrom === last.readableFrom && row.writableFrom === last.writableFrom;
  const now = performance.now();
  if (!isSaid) announced.delete(connection);
  const since = announced.get(connection) ?? now;
  announced.set(connection, since);
  return now - since >= ANNOUNCED_MS;
}

function busy(): Error {
  return Object.assign(new Error("The handle has a transaction open"), { code: "SQLITE_BUSY" });
}
