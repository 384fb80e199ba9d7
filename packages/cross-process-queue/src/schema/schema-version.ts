import { QueueError } from "@ringrift/event-queue";
import { MIGRATIONS } from "./migrations.ts";

/** The row of `ringrift_schema`: see `Migration`. */
export interface SchemaRow {
  readonly version: unknown;
  readonly readableFrom: unknown;
  readonly writableFrom: unknown;
}

/** What a program is about to do with a file. */
export type SchemaUse = "read" | "write";

/**
 * Checks that this version of the package may use a file with such a row, and returns the schema version of the file.
 * It may be newer than what is known here: see `Migration`.
 *
 * @throws QueueError `SCHEMA_TOO_NEW`, `QUEUE_DAMAGED`
 */
export function checkSchema(row: SchemaRow | undefined, use: SchemaUse, path: string): number {
  const { version, readableFrom, writableFrom } = row ?? {};
  if (!isVersion(version) || !isVersion(readableFrom) || !isVersion(writableFrom)) {
    throw new QueueError(
      "QUEUE_DAMAGED",
      `Queue "${path}" doesn't say which schema version it has (${JSON.stringify(row)} in table "ringrift_schema"). Stop all processes that use it, and bring what can be read into a new file with salvageQueue.`,
    );
  }
  const known = MIGRATIONS.length;
  const oldest = use === "read" ? readableFrom : Math.max(readableFrom, writableFrom);
  if (known >= oldest) return version;
  throw new QueueError(
    "SCHEMA_TOO_NEW",
    `Queue "${path}" has schema version "${version}", which programs that know version ${oldest} or later may ${use}; this version of @ringrift/cross-process-queue knows ${known}. Nothing was changed. Update the package in this process.`,
  );
}

function isVersion(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}
