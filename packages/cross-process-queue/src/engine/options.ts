import type { AnyContracts, Contracts } from "@ringrift/envelope";
import { QueueError } from "@ringrift/event-queue";
import {
  BACKED_QUEUE_OPTION_NAMES,
  type BackedQueueOptions,
  type BackedQueueSettings,
  checkBackedQueueOptions,
  checkCount,
  checkMs,
  checkOptionNames,
} from "@ringrift/event-queue/backend";
import type { Survives } from "../commit/committer.ts";
import { checkSource, type DatabaseSource } from "../database/connection.ts";
import type { SqliteDatabase } from "../files/driver.ts";
import type { RetentionLimits } from "../upkeep/sweeper.ts";

/** Options of a {@link CrossProcessEventQueue}. */
export interface CrossProcessQueueOptions<
  C extends Contracts = AnyContracts,
> extends BackedQueueOptions<C> {
  /**
   * What an event survives whose `send` has resolved: a power cut (each commit waits for the disk), or only
   * the end of its process, `kill -9` included (faster; a power cut may take the last moments).
   * @default "power-loss"
   */
  readonly survives?: Survives | undefined;
  /** Events older than this go, once every group has settled them. @default 86_400_000 (24 hours) */
  readonly retentionMs?: number | undefined;
  /** Most events to retain: beyond, the oldest go that every group has settled. @default no limit */
  readonly retentionEvents?: number | undefined;
  /**
   * Most bytes of the database in use (its pages, tables of yours in it included, the write-ahead log not): beyond,
   * the oldest events go that every group has settled. The file doesn't shrink; its free pages are used again.
   * @default no limit
   */
  readonly retentionBytes?: number | undefined;
  /** Dead letters older than this go, and are counted. @default 2_592_000_000 (30 days) */
  readonly deadLetterRetentionMs?: number | undefined;
  /** How long a `dedupeKey` is remembered, while its event is retained. @default 600_000 (10 minutes) */
  readonly dedupeWindowMs?: number | undefined;
}

/**
 * Where the queue is: a file, or a handle of better-sqlite3 that stays yours to close. `Database` is the type of that
 * handle, which the callbacks of transactions get.
 */
export type QueueLocation<Database = unknown> =
  | {
      /** Path of the file. It and its folder are made when the queue is first used. */
      readonly dbPath: string;
      readonly database?: undefined;
    }
  | {
      /** An open `Database` of better-sqlite3 on a file. */
      readonly database: SqliteDatabase & Database;
      readonly dbPath?: undefined;
    };

/** Options, checked, with their defaults. */
export interface CheckedQueueOptions extends BackedQueueSettings {
  readonly location: DatabaseSource;
  readonly survives: Survives;
  readonly retention: RetentionLimits;
  readonly dedupeWindowMs: number;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof CrossProcessQueueOptions>([
  ...BACKED_QUEUE_OPTION_NAMES,
  "survives",
  "retentionMs",
  "retentionEvents",
  "retentionBytes",
  "deadLetterRetentionMs",
  "dedupeWindowMs",
]);
const SURVIVES: readonly unknown[] = ["power-loss", "process-crash"] satisfies Survives[];

/**
 * Checks what a queue is constructed with; no I/O.
 *
 * @throws QueueError `INVALID_PATH`, `INVALID_OPTION`
 */
export function checkQueueOptions(
  where: string | (CrossProcessQueueOptions & QueueLocation),
  more: CrossProcessQueueOptions = {},
): CheckedQueueOptions {
  const { dbPath, database, ...rest } =
    typeof where === "object" && where !== null
      ? where
      : { ...more, dbPath: where, database: undefined };
  if (dbPath !== undefined && database !== undefined) {
    throw invalid('Options "dbPath" and "database" are given together. Give one of them.');
  }
  checkOptionNames("CrossProcessEventQueue", rest, OPTION_NAMES);
  const { survives = "power-loss" } = rest;
  if (!SURVIVES.includes(survives)) {
    throw invalid(`Option "survives" is "${survives}". Give "power-loss" or "process-crash".`);
  }
  return {
    location: checkSource(database === undefined ? { path: dbPath } : { database }),
    ...checkBackedQueueOptions(rest),
    survives,
    retention: {
      ms: checkMs("retentionMs", rest.retentionMs ?? 86_400_000),
      events: checkCount("retentionEvents", rest.retentionEvents),
      bytes: checkCount("retentionBytes", rest.retentionBytes),
      deadLettersMs: checkMs("deadLetterRetentionMs", rest.deadLetterRetentionMs ?? 2_592_000_000),
    },
    dedupeWindowMs: checkMs("dedupeWindowMs", rest.dedupeWindowMs ?? 600_000),
  };
}

function invalid(message: string): QueueError {
  return new QueueError("INVALID_OPTION", message);
}
