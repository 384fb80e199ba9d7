import { randomBytes } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Connection, realPath } from "../database/connection.ts";
import type { SqliteStatement } from "../files/driver.ts";
import { checkPath, prepareFile } from "../files/location.ts";
import { nameDraft, requireNothingAt } from "../files/new-file.ts";
import { SQL } from "../schema/statements.ts";
import { toQueueError } from "../database/sqlite-errors.ts";
import { syncFile, syncFolder } from "../files/sync.ts";

/** What a backup holds. */
export interface QueueBackup {
  /** Where it is: a queue of its own, to be opened like any. */
  readonly path: string;
  readonly bytes: number;
  /** Its newest event: everything up to here is in it. `undefined` when the log was empty. */
  readonly newestPosition: number | undefined;
}

/** Pages that are copied before others get the event loop: 400 KB. */
const PAGES_AT_ONCE = 100;

/**
 * Copies the database of a connection as it is at the call into a new file, while everybody goes on. It reads
 * through a connection of its own, in one transaction: so the copy is of one moment, and what others commit in the
 * meantime doesn't make it begin anew. The copy appears under its name when it is whole and on the disk.
 *
 * @throws QueueError (rejects) `INVALID_PATH` when there is a file of this name, `CANNOT_OPEN`, `QUEUE_FULL`
 */
export async function backUp(connection: Connection, target: string): Promise<QueueBackup> {
  const path = checkPath(target);
  requireNothingAt(path);
  const draft = `${path}.${randomBytes(6).toString("hex")}.partial`;
  prepareFile(draft);
  const source = connection.openAnother();
  try {
    source.exec("BEGIN");
    // The cast is safe: what the statement selects. It is also what fixes the moment.
    const { position } = (source.prepare(SQL.newestPosition) as SqliteStatement).get() as {
      position: number;
    };
    await source.backup(draft, { progress: () => PAGES_AT_ONCE });
    await syncFile(draft);
    nameDraft(draft, path);
    await syncFolder(dirname(path));
    return {
      path: realPath(path),
      bytes: statSync(path).size,
      newestPosition: position === 0 ? undefined : position,
    };
  } catch (error) {
    throw toQueueError(error, path);
  } finally {
    source.close();
    for (const rest of [draft, `${draft}-wal`, `${draft}-shm`, `${draft}-journal`]) {
      rmSync(rest, { force: true });
    }
  }
}
