import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import Database from "better-sqlite3";
import { TemporaryFolder } from "./folder.ts";
import { payload } from "./payload.ts";

/** How the processes of a run learn where its logs are kept. */
const VARIABLE = "RINGRIFT_BENCH_FOLDER";
/** Tells checkouts apart: the format of the file may differ between two commits. */
const CHECKOUT = createHash("sha256")
  .update(import.meta.dirname)
  .digest("hex")
  .slice(0, 8);
const CHUNK = 250_000;

/** The one type that comes once in a million. */
export const RARE = "RARE";
const FIRST_RARE = 5;
/** The position after the last one: everything that lies ahead is of another type. */
export function afterRare(events: number): number {
  return Math.floor((events - FIRST_RARE) / 1_000_000) * 1_000_000 + FIRST_RARE + 1;
}

/** Sizes of the logs that are measured; ten million rows are about 4 GB, and take a minute to make. */
export const SIZES: readonly { readonly name: string; readonly events: number }[] = [
  { name: "10 k events", events: 10_000 },
  { name: "1 M events", events: 1_000_000 },
  ...(process.env["RINGRIFT_BENCH_FULL"] === "1"
    ? [{ name: "10 M events", events: 10_000_000 }]
    : []),
];

/** Makes the folder in which the logs of a run are kept; what it returns removes it. */
export function startFolder(): () => void {
  const folder = new TemporaryFolder();
  process.env[VARIABLE] = folder.path;
  return () => folder[Symbol.dispose]();
}

/** The path of a log with so many events, made when it is first asked for. Each of two checkouts that are compared has its own. */
export async function logOf(events: number): Promise<string> {
  const folder = process.env[VARIABLE];
  if (folder === undefined) throw new Error("A suite makes the folder before its scenarios.");
  const path = join(folder, `${events}-${CHECKOUT}.db`);
  if (!existsSync(path)) await make(path, events);
  return path;
}

async function make(path: string, events: number): Promise<void> {
  const queue = new CrossProcessEventQueue(path);
  await queue.stats();
  await queue.close();
  const database = new Database(path);
  database.pragma("synchronous = OFF");
  database.pragma("cache_size = -500000");
  // What an event that this library stores looks like: ids grow with time.
  const insert = database.prepare(`
    WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)
    INSERT INTO ringrift_events (position, id, type, payload, time, source, origin, stored_at)
    SELECT n, printf('%08x-%04x-7000-8000-%012x', n >> 16, n & 65535, n),
      CASE WHEN n % 1000000 = ${FIRST_RARE} THEN '${RARE}' ELSE 'TICK' END, :payload, :now, '',
      '01999999-9999-7999-8999-999999999999', :now
    FROM numbers`);
  const now = Date.now();
  for (let first = 1; first <= events; first += CHUNK) {
    const last = Math.min(first + CHUNK - 1, events);
    insert.run({ first, last, now, payload: JSON.stringify(payload) });
  }
  // As if the library had written them: its index by type follows the log.
  database.exec(`
    INSERT INTO ringrift_event_types SELECT type, position FROM ringrift_events ORDER BY type, position;
    UPDATE ringrift_event_types_end SET position = ${events};`);
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
}
