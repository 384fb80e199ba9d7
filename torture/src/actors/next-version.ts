// @boundaries-ignore No package gives its schema away: a version that doesn't exist yet is made up from the inside.
import {
  type Migration,
  MIGRATIONS,
} from "../../../packages/cross-process-queue/src/schema/migrations.ts";

/** What a next version may do to a file that programs of this version go on using. */
const EXPANDING: Migration = {
  sql: `
    ALTER TABLE ringrift_groups ADD COLUMN mood TEXT;
    ALTER TABLE ringrift_events ADD COLUMN mood TEXT;
    CREATE TABLE ringrift_moods (mood TEXT);`,
  readableFrom: MIGRATIONS.length,
  writableFrom: MIGRATIONS.length,
};

/** From here on the code of this process is that of a made-up next version, which expands the file that it opens. */
export function becomeNextVersion(): void {
  // The cast is what makes the version up.
  (MIGRATIONS as Migration[]).push(EXPANDING);
}
