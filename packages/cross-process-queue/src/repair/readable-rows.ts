import type { SqliteDatabase, SqliteStatement } from "../files/driver.ts";

/** Positions from … to …, both included. */
export interface PositionRange {
  readonly from: number;
  readonly to: number;
}

const AT_ONCE = 500;

/**
 * Reads the log of a damaged file, in the order of positions: where a range can't be read, its halves are, and so on,
 * until nothing is missing but what is damaged itself.
 */
export function* readableEvents(
  database: SqliteDatabase,
  bounds: PositionRange,
): Generator<readonly Record<string, unknown>[], void> {
  const sql = `SELECT * FROM ringrift_events WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ${AT_ONCE}`;
  const select = attempt(() => prepare(database, sql));
  if (select === undefined) return;
  const open = [bounds];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const { from, to } = range;
    if (from > to) continue;
    // The cast is safe: rows are objects.
    const rows = attempt(() => select.all(from, to) as Record<string, unknown>[]);
    const end = rows === undefined ? undefined : lastPosition(rows, range);
    if (rows !== undefined && end !== undefined) {
      if (rows.length > 0) yield rows;
      if (rows.length === AT_ONCE) open.push({ from: end + 1, to });
    } else if (from < to) {
      const middle = Math.floor((from + to) / 2);
      open.push({ from: middle + 1, to }, { from, to: middle });
    }
  }
}

/** Where these rows end; `undefined` when they aren't of this range, or not in order, as in a tree that leads astray. */
function lastPosition(
  rows: readonly Record<string, unknown>[],
  { from, to }: PositionRange,
): number | undefined {
  let last = from - 1;
  for (const { position } of rows) {
    if (typeof position !== "number" || position <= last) return undefined;
    last = position;
  }
  return last <= to ? last : undefined;
}

/** All rows of a small table that can be read from either end, and whether these are all there are. */
export function rowsOf(
  database: SqliteDatabase,
  table: string,
  key: string,
): { readonly rows: readonly Record<string, unknown>[]; readonly isWhole: boolean } {
  const ascending = readUntilDamaged(database, `SELECT * FROM ${table} ORDER BY ${key}`);
  if (ascending.isWhole) return ascending;
  const backwards = key.replaceAll(/\w+/g, "$& DESC");
  const descending = readUntilDamaged(database, `SELECT * FROM ${table} ORDER BY ${backwards}`);
  const seen = new Set(ascending.rows.map((row) => JSON.stringify(row)));
  const others = descending.rows.filter((row) => !seen.has(JSON.stringify(row)));
  return { rows: [...ascending.rows, ...others.toReversed()], isWhole: false };
}

/** A number that a statement selects, if it can be read. */
export function readNumber(database: SqliteDatabase, sql: string): number | undefined {
  const row = attempt(() => prepare(database, sql).get());
  const value: unknown =
    typeof row === "object" && row !== null ? Object.values(row)[0] : undefined;
  return typeof value === "number" ? value : undefined;
}

/** The least that a row takes, with its entry in the page. */
const LEAST_ROW_BYTES = 8;

/**
 * More rows than there is room for in the file are rows that are met again: in a tree that was made for it, whose pages lead
 * to the same ones over and over, that has no end for practical purposes.
 */
export function mostRows(database: SqliteDatabase): number {
  const pages = readNumber(database, "PRAGMA page_count") ?? 0;
  const pageBytes = readNumber(database, "PRAGMA page_size") ?? 0;
  return Math.ceil((pages * pageBytes) / LEAST_ROW_BYTES);
}

/** Whether a table can be read, and holds nothing. */
export function isEmptyTable(database: SqliteDatabase, table: string): boolean {
  return attempt(() => prepare(database, `SELECT 1 FROM ${table} LIMIT 1`).all().length) === 0;
}

function readUntilDamaged(
  database: SqliteDatabase,
  sql: string,
): { readonly rows: readonly Record<string, unknown>[]; readonly isWhole: boolean } {
  const rows: Record<string, unknown>[] = [];
  try {
    const most = mostRows(database);
    for (const row of prepare(database, sql).iterate()) {
      if (rows.length >= most) return { rows, isWhole: false };
      // The cast is safe: rows are objects.
      rows.push(row as Record<string, unknown>);
    }
    return { rows, isWhole: true };
  } catch {
    return { rows, isWhole: false };
  }
}

function prepare(
  database: SqliteDatabase,
  sql: string,
): SqliteStatement & { iterate(): Iterable<unknown> } {
  // The cast is safe: what better-sqlite3 returns.
  return database.prepare(sql) as SqliteStatement & { iterate(): Iterable<unknown> };
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
