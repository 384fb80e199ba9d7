import { TABLES } from "./tables.ts";

/**
 * One step of the schema, from one version to the next. Each release has one step at most, and a step that was released
 * is never edited: there are files that have run it.
 *
 * A step expands first: it adds tables and nullable columns, but no trigger to a table of before, since programs of the
 * version before refuse one that they don't know. So programs of the version before go on in the file, also
 * after a rollback. What they don't need any more is removed, or filled in, one minor version later. Such a step
 * contracts, and says so in `readableFrom` and `writableFrom`: neither is ever higher than the version before it. Programs
 * that this puts an end to look at the row twice a second; so it says so a second before anything is changed.
 */
export interface Migration {
  /** What turns a file of the version before into one of this version. */
  readonly sql: string;
  /** The oldest version whose programs may read the file after this step. */
  readonly readableFrom: number;
  /** The oldest version whose programs may also write to it. */
  readonly writableFrom: number;
}

/** All steps; the number of those that are done is the file's version, in `ringrift_schema`. */
export const MIGRATIONS: readonly Migration[] = [{ sql: TABLES, readableFrom: 1, writableFrom: 1 }];
