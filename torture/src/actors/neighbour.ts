import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { between, pick } from "../scenario.ts";

/**
 * Another program in the queue's file, which knows nothing of the queue: its tables have names that the queue might
 * want. It says how many rows it has committed, and is ended by somebody else.
 */
// The cast is safe: what the scenario gives.
const { path } = JSON.parse(process.argv[2] ?? "{}") as { path: string };
const database = new Database(path, { timeout: 5_000 });
const isBusy = (error: unknown): boolean =>
  error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");

const insert = database.transaction((): number => {
  const added = database.prepare("INSERT INTO events (title) VALUES (?)");
  for (let n = 0; n < 50; n += 1) added.run("x".repeat(200));
  const count = Number(database.prepare("SELECT count(*) FROM events").pluck().get());
  database.prepare("UPDATE groups SET size = ?").run(count);
  return count;
});

/** A read transaction that keeps the write-ahead log from beginning anew. */
async function readLong(): Promise<void> {
  const reader = new Database(path, { readonly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM events").get();
  await sleep(between(100, 500));
  reader.close();
}

const deeds: readonly (() => unknown)[] = [
  () => process.send?.({ rows: insert() }),
  () => process.send?.({ rows: insert() }),
  () => {
    database.exec("DELETE FROM scrap; INSERT INTO scrap SELECT title FROM events LIMIT 500");
    database.exec("VACUUM");
    process.send?.({ vacuums: 1 });
  },
  readLong,
];

for (;;) {
  try {
    await pick(deeds)?.();
  } catch (error) {
    if (!isBusy(error)) throw error;
  }
  await sleep(between(5, 40));
}
