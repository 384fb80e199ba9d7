import { randomBytes } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { QueueError } from "@ringrift/event-queue";
import type { Connection } from "../database/connection.ts";
import { DamagedFile } from "./damaged-file.ts";
import type { SqliteDatabase } from "../files/driver.ts";
import { checkPath } from "../files/location.ts";
import { nameDraft, requireNothingAt } from "../files/new-file.ts";
import { openConnection } from "../database/open-connection.ts";
import { isOpenHere } from "../database/open-here.ts";
import {
  isEmptyTable,
  mostRows,
  type PositionRange,
  readNumber,
  readableEvents,
  rowsOf,
} from "./readable-rows.ts";
import { type EventRow, fromRow } from "../database/event-row.ts";
import { EVENT_COLUMNS, insertEvents, SQL } from "../schema/statements.ts";
import { syncFile, syncFolder } from "../files/sync.ts";
import { TypeIndex } from "../log/type-index.ts";

/** What a salvage brought back, and what it didn't. */
export interface SalvageReport {
  /** The new queue. */
  readonly path: string;
  /** Events in it, each at its old position. */
  readonly events: number;
  /** Of these, at which position an event isn't what was stored: groups get it as a dead letter, with its text. */
  readonly broken: readonly number[];
  /**
   * Positions at which nothing could be read. Where the end of the log can't be read they go as far as there was room
   * in the file: most of these were never given.
   */
  readonly lost: readonly PositionRange[];
  readonly groups: number;
  /**
   * Groups that begin at the oldest event again, since what they had in flight couldn't be read: they see events
   * again that they have handled.
   */
  readonly restartedGroups: readonly string[];
  readonly deadLetters: number;
  readonly delayed: number;
  /** Tables of the queue of which rows are missing. */
  readonly damagedTables: readonly string[];
  /** Tables of yours in the same file: they are left to you. */
  readonly otherTables: readonly string[];
}

/** The queue's tables besides the log, and the column that tells their rows apart. Claims end by themselves. */
const SMALL_TABLES: ReadonlyMap<string, string> = new Map([
  ["ringrift_groups", "id"],
  ["ringrift_deliveries", "group_id, position"],
  ["ringrift_batches", "group_id, token"],
  ["ringrift_dead_letters", "number"],
  ["ringrift_delayed", "number"],
  ["ringrift_dedupe", "key"],
]);
const INSERT_EVENT = `${insertEvents(EVENT_COLUMNS, 1)} ON CONFLICT DO NOTHING`;

/**
 * Reads what can be read of a damaged queue into a new one. The damaged file stays as it is: keep it until you have
 * looked at the report. Stop all processes that use it first.
 *
 * @throws QueueError (rejects) `INVALID_PATH` when there is no file, or the target exists; `QUEUE_BUSY` when this process
 * has the file open; `NOT_A_QUEUE` when it was made to mislead; `CANNOT_OPEN`, `QUEUE_FULL`
 * @example
 * const report = await salvageQueue("data/events.db", "data/events-salvaged.db");
 * console.log(report.events, report.lost); // 19966 [ { from: 8211, to: 8244 } ]
 */
export async function salvageQueue(damaged: string, target: string): Promise<SalvageReport> {
  const from = checkPath(damaged);
  const path = checkPath(target);
  if (statSync(from, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new QueueError("INVALID_PATH", `There is no file "${from}". Give the damaged queue's.`);
  }
  if (isOpenHere(from)) {
    throw new QueueError(
      "QUEUE_BUSY",
      `"${from}" is open in this process, and reading it here would drop its locks. Close its queues and handles first, or salvage it in a process of its own.`,
    );
  }
  requireNothingAt(path);
  const draft = `${path}.${randomBytes(6).toString("hex")}.partial`;
  try {
    const report = await salvageInto(from, draft);
    await syncFile(draft);
    nameDraft(draft, path);
    await syncFolder(dirname(path));
    return { path, ...report };
  } finally {
    for (const end of ["", "-wal", "-shm"]) rmSync(`${draft}${end}`, { force: true });
  }
}

type Findings = Omit<SalvageReport, "path">;

async function salvageInto(from: string, draft: string): Promise<Findings> {
  const connection = await openConnection({ path: draft });
  try {
    // The first page is in the file, and not in the log only.
    connection.run(SQL.truncateLog);
    const file = new DamagedFile(from, draft, draft);
    try {
      return await copyAll(file.database, connection);
    } finally {
      file.close();
    }
  } finally {
    connection.run(SQL.truncateLog);
    connection.close();
  }
}

async function copyAll(database: SqliteDatabase, connection: Connection): Promise<Findings> {
  const log = await copyEvents(database, connection);
  const counts = new Map<string, number>();
  const damagedTables = log.lost.length > 0 ? ["ringrift_events"] : [];
  for (const [table, key] of SMALL_TABLES) {
    const { rows, isWhole } = rowsOf(database, table, key);
    if (!isWhole) damagedTables.push(table);
    counts.set(table, insertRows(connection, table, rows));
  }
  keepIdentity(database, connection);
  const inFlight = ["ringrift_deliveries", "ringrift_batches"].some((table) =>
    damagedTables.includes(table),
  );
  return {
    ...log,
    groups: counts.get("ringrift_groups") ?? 0,
    restartedGroups: inFlight ? restartGroups(connection) : [],
    deadLetters: counts.get("ringrift_dead_letters") ?? 0,
    delayed: counts.get("ringrift_delayed") ?? 0,
    damagedTables,
    otherTables: otherTables(database, connection),
  };
}

/**
 * It is the same queue: to those who know it by its id, and to handlers that are run again, which publish the same again.
 * Where they can't be read the new one keeps its own.
 */
function keepIdentity(database: SqliteDatabase, connection: Connection): void {
  const [row] = rowsOf(database, "ringrift_fence", "rowid").rows;
  const { queue_id: id, secret } = row ?? {};
  if (typeof id === "string" && /^[0-9a-f]{32}$/.test(id)) connection.run(SQL.keepQueueId, id);
  if (secret instanceof Uint8Array && secret.length === 32) connection.run(SQL.keepSecret, secret);
}

async function copyEvents(
  database: SqliteDatabase,
  connection: Connection,
): Promise<Pick<Findings, "events" | "broken" | "lost">> {
  const { from, to } = boundsOf(database);
  let events = 0;
  const broken: number[] = [];
  const lost: PositionRange[] = [];
  const types = new TypeIndex(connection);
  let next = from;
  const noteGap = (before: number): void => {
    if (next < before) lost.push({ from: next, to: before - 1 });
  };
  for (const rows of readableEvents(database, { from, to })) {
    connection.begin();
    for (const row of rows) {
      // The cast is checked as far as it can be: what doesn't fit the table is refused by it.
      const event = row as unknown as EventRow;
      if (!insertEvent(connection, event)) continue;
      noteGap(event.position);
      next = event.position + 1;
      events += 1;
      if (!isSound(event)) broken.push(event.position);
    }
    types.follow(next - 1, rows.length);
    connection.run(SQL.commit);
    await new Promise((resolve) => setImmediate(resolve));
  }
  noteGap(to + 1);
  return { events, broken, lost };
}

/** A row takes more than this in the file, with its entries in the indexes: its id alone is 36 bytes, and there twice. */
const SMALLEST_ROW_BYTES = 120;

/** What tells of positions, if it isn't damaged itself. */
const WITNESSES = [
  "ringrift_events",
  "ringrift_events INDEXED BY sqlite_autoindex_ringrift_events_1",
  "ringrift_event_types",
];

/** Where the log begins and ends, by whatever can still be read. */
function boundsOf(database: SqliteDatabase): PositionRange {
  const number = (sql: string): number => readNumber(database, sql) ?? 0;
  const most = mostRows(database);
  // By its key the log is asked for its ends; of the others all rows are read.
  const rowsIn = (source: string): string =>
    source === "ringrift_events" ? source : `(SELECT position FROM ${source} LIMIT ${most})`;
  const look = (what: "min" | "max"): number[] =>
    WITNESSES.map((source) => number(`SELECT ${what}(position) FROM ${rowsIn(source)}`)).filter(
      (position) => position > 0,
    );
  const starts = look("min");
  const from = starts.length === 0 ? 1 : Math.min(...starts);
  const bytes = number("PRAGMA page_count") * number("PRAGMA page_size");
  // A position beyond that is no position, but what was written over one.
  const farthest = from + Math.ceil(bytes / SMALLEST_ROW_BYTES);
  // Nothing was ever lost of what never was: all that tells of positions is whole and says so.
  if (starts.length === 0 && WITNESSES.every((one) => isEmptyTable(database, one))) {
    return { from: 1, to: 0 };
  }
  const ends = look("max").filter((end) => end <= farthest);
  // Where the end itself is lost there may have been as many as there is room for.
  return { from, to: ends.length > 0 ? Math.max(...ends) : farthest };
}

function insertEvent(connection: Connection, row: EventRow): boolean {
  const values = EVENT_COLUMNS.map((column) => Reflect.get(row, column) ?? null);
  try {
    return connection.run(INSERT_EVENT, values) === 1;
  } catch {
    // Of another type than its column: it was damaged.
    return false;
  }
}

function isSound(row: EventRow): boolean {
  try {
    fromRow(row);
    return true;
  } catch {
    return false;
  }
}

function insertRows(
  connection: Connection,
  table: string,
  rows: readonly Record<string, unknown>[],
): number {
  let count = 0;
  connection.begin();
  // The next version may have added columns to the damaged file: see Migration.
  const known = new Set(
    connection.all<{ name: string }>(SQL.columnsOf, table).map(({ name }) => name),
  );
  for (const row of rows) {
    const columns = Object.keys(row).filter((name) => known.has(name));
    const marks = columns.map(() => "?").join(", ");
    const sql = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks}) ON CONFLICT DO NOTHING`;
    try {
      count += connection.run(
        sql,
        columns.map((name) => row[name]),
      );
    } catch {
      // As with events.
    }
  }
  connection.run(SQL.commit);
  return count;
}

/** At least once: what was in flight and isn't known any more is delivered again with all the rest. */
function restartGroups(connection: Connection): string[] {
  connection.run("UPDATE ringrift_groups SET cursor = 0");
  connection.run("DELETE FROM ringrift_deliveries");
  connection.run("DELETE FROM ringrift_batches");
  return connection.all<{ name: string }>(SQL.groups).map(({ name }) => name);
}

function otherTables(database: SqliteDatabase, connection: Connection): string[] {
  const sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
  const ours = new Set(connection.all<{ name: string }>(sql).map(({ name }) => name));
  const theirs = rowsOf(database, "sqlite_schema", "rowid").rows;
  return theirs
    .filter(({ type, name }) => type === "table" && typeof name === "string" && !ours.has(name))
    .map(({ name }) => String(name));
}
