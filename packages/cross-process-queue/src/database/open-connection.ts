import { BUSY_TIMEOUT_MS, Connection, type DatabaseSource, realPath } from "./connection.ts";
import { loadDriver, type SqliteDatabase } from "../files/driver.ts";
import { prepareFile } from "../files/location.ts";
import { noteConnection } from "./open-here.ts";
import { setUpDatabase } from "./set-up-database.ts";
import { toQueueError } from "./sqlite-errors.ts";

/**
 * Opens the file, and makes it if need be: a connection that is checked, migrated and set up. While another process
 * is in the way it tries again. Whoever calls it closes the connection.
 *
 * @throws QueueError (rejects) `DRIVER_MISSING`, `SQLITE_TOO_OLD`, `NETWORK_FILE_SYSTEM`,
 * `CANNOT_OPEN`, `NOT_A_QUEUE`, `SCHEMA_TOO_NEW`, `QUEUE_DAMAGED`, `QUEUE_READ_ONLY`, `QUEUE_BUSY`
 */
export async function openConnection(source: DatabaseSource): Promise<Connection> {
  if ("database" in source) {
    const { database } = source;
    return setUp(new Connection(database, realPath(database.name), false));
  }
  const Driver = loadDriver();
  prepareFile(source.path);
  let database: SqliteDatabase;
  try {
    database = new Driver(source.path, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw toQueueError(error, source.path);
  }
  const connection = new Connection(database, realPath(source.path), true);
  try {
    return await setUp(connection);
  } catch (error) {
    database.close();
    throw error;
  }
}

async function setUp(connection: Connection): Promise<Connection> {
  noteConnection(connection);
  await connection.retry(() => setUpDatabase(connection));
  // From here on whoever is in the way is waited for without blocking: SQLite would sleep for a millisecond
  // at least, and most transactions of others are over sooner.
  if (connection.owned) connection.database.pragma("busy_timeout = 0");
  return connection;
}
