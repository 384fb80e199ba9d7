import { execFile } from "node:child_process";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { tempPath } from "../temp-queue.ts";

const FIXTURE = join(import.meta.dirname, "fixtures/second-sqlite.ts");

// Why WAL_UNLINKED exists: without it, this is what a queue would do to its events.
test.skipIf(process.platform === "win32")(
  "a second SQLite in a process that closes the file loses what the first one then commits",
  async () => {
    const path = tempPath();
    const seen = await new Promise<string>((resolve) => {
      // It kills itself, so there is an error in any case.
      execFile(process.execPath, [FIXTURE, path], (_error, stdout) => resolve(stdout.trim()));
    });
    expect(seen).toBe("100");
    const database = new Database(path);
    const { n } = database.prepare("SELECT count(*) AS n FROM log").get() as { n: number };
    database.close();
    expect(n).toBe(1);
  },
);
