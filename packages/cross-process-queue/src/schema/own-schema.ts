import { QueueError } from "@ringrift/event-queue";
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from "../files/driver.ts";
import { MIGRATIONS } from "./migrations.ts";

/** What a queue's file of a version has: texts of its triggers by name, and the names of its tables. */
interface OwnSchema {
  readonly triggers: ReadonlyMap<string, string>;
  readonly tables: ReadonlySet<string>;
}

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

const known = new Map<number, OwnSchema>();
/** How SQLite itself begins what isn't a trigger. A file may say otherwise in the column that names the type. */
const NO_TRIGGER = /^create (?:table|index|unique index|view|virtual table) /i;
const ROWS = "SELECT type, name, tbl_name AS 'table', sql FROM sqlite_schema WHERE sql IS NOT NULL";

/**
 * Refuses a file in which somebody has put a trigger on a table of the queue, or a view or a virtual table in the place of
 * one: it would change what is stored, or never end when it is read. Your own triggers and views on tables of your own
 * may be there.
 *
 * @param version the schema that the file has
 * @throws QueueError `NOT_A_QUEUE`
 */
export function requireOwnSchema(database: SqliteDatabase, path: string, version: number): void {
  requireOwnTables(database, path);
  const { triggers, tables } = ownSchema(database, version);
  const words = new RegExp(String.raw`\b(?:${[...tables].join("|")})\b`, "i");
  for (const { type, name, table, sql } of select<SchemaRow>(database, ROWS)) {
    if (NO_TRIGGER.test(sql) || triggers.get(name) === sql) continue;
    const [head = ""] = sql.split(/\bbegin\b/i, 1);
    if (type === "trigger" && !words.test(table) && !words.test(head)) continue;
    throw new QueueError(
      "NOT_A_QUEUE",
      `"${path}" has a trigger "${name}" on a table of the queue that isn't the queue's: it would change what is stored. Find out who made it, and drop it (DROP TRIGGER); salvageQueue makes a file without it.`,
    );
  }
}

/**
 * Refuses a file that has a view or a virtual table in the place of a table of the queue; what can't be told of a damaged
 * one is left to whoever reads it.
 *
 * @throws QueueError `NOT_A_QUEUE`
 */
export function requireOwnTables(database: SqliteDatabase, path: string): void {
  const { tables } = ownSchema(database, MIGRATIONS.length);
  // By what SQLite has made of the file, not by what the file says of itself.
  const listed = select<{ name: string; type: string }>(database, "PRAGMA main.table_list");
  const impostor = listed.find(
    ({ name, type }) => type !== "table" && tables.has(name.toLowerCase()),
  );
  if (impostor === undefined) return;
  throw new QueueError(
    "NOT_A_QUEUE",
    `"${path}" has a ${impostor.type} in the place of the queue's table "${impostor.name}": it was made to mislead whoever reads it, and isn't read. Use a backup.`,
  );
}

/** Made once a process, in memory, by the same steps as a file's. */
function ownSchema(database: SqliteDatabase, version: number): OwnSchema {
  const made = known.get(version);
  if (made !== undefined) return made;
  // The cast is safe: what made the handle makes another one.
  const memory = new (database.constructor as SqliteDriver)(":memory:", { timeout: 0 });
  try {
    for (const { sql } of MIGRATIONS.slice(0, version)) memory.exec(sql);
    const rows = select<SchemaRow>(memory, ROWS);
    const of = (wanted: string): SchemaRow[] => rows.filter(({ type }) => type === wanted);
    const schema = {
      triggers: new Map(of("trigger").map(({ name, sql }) => [name, sql])),
      tables: new Set(of("table").map(({ name }) => name.toLowerCase())),
    };
    known.set(version, schema);
    return schema;
  } finally {
    memory.close();
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- one place for the one cast
function select<Row>(database: SqliteDatabase, sql: string): Row[] {
  // The casts are safe: what better-sqlite3 returns, and what the statement selects.
  return (database.prepare(sql) as SqliteStatement).all() as Row[];
}
