import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";

/** Stops itself in the middle of a write transaction, again and again; somebody else has to wake it. */
const { path } = JSON.parse(process.argv[2] ?? "{}") as { path: string };
const database = new Database(path, { timeout: 30_000 });
for (;;) {
  database.exec("BEGIN IMMEDIATE");
  process.send?.("locked");
  await sleep(5);
  process.kill(process.pid, "SIGSTOP");
  database.exec("ROLLBACK");
  await sleep(50);
}
