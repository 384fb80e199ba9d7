import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { type Migration, MIGRATIONS } from "../src/schema/migrations.ts";

const LATEST = MIGRATIONS.length;

/** A made-up next version, which adds something; this version goes on in its files. */
export const EXPANDING: Migration = {
  sql: `
    ALTER TABLE ringrift_groups ADD COLUMN mood TEXT;
    CREATE TABLE ringrift_moods (mood TEXT);`,
  readableFrom: LATEST,
  writableFrom: LATEST,
};

/** The made-up version after it, which makes use of it: this version can't go on. */
export const CONTRACTING: Migration = {
  sql: `
    UPDATE ringrift_groups SET mood = 'fine' WHERE mood IS NULL;
    DROP TABLE ringrift_moods;`,
  readableFrom: LATEST + 1,
  writableFrom: LATEST + 1,
};

/** From here to the end of the test the code of this process is that of a later version, with these steps more. */
export function becomeLaterVersion(...steps: readonly Migration[]): void {
  // The cast is what makes the version up.
  const all = MIGRATIONS as Migration[];
  all.push(...steps);
  onTestFinished(becomeThisVersion);
}

/** Undoes it. */
export function becomeThisVersion(): void {
  // The cast is as above.
  (MIGRATIONS as Migration[]).length = LATEST;
}

/** The schema version that a file says it has. */
export function versionOf(path: string): unknown {
  const database = new Database(path, { readonly: true });
  const version = database.prepare("SELECT version FROM ringrift_schema").pluck().get();
  database.close();
  return version;
}
