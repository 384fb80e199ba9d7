import { randomBytes } from "node:crypto";
import type { StartFrom } from "@ringrift/envelope";
import { QueueError, type StoredEvent } from "@ringrift/event-queue";
import type {
  BackendHost,
  BackendTransaction,
  GroupMember,
  HealthReport,
  HistoryRequest,
  LogPage,
  LogQuery,
  LogStats,
  MemberOptions,
  OutgoingRecord,
  TransactionalBackend,
  TransactOptions,
} from "@ringrift/event-queue/backend";
import { appendedEvent, prepareRow } from "../log/appender.ts";
import { backUp, type QueueBackup } from "../repair/backup.ts";
import { SqliteDeadLetters } from "./sqlite-dead-letters.ts";
import type { TransactionDatabase } from "../files/driver.ts";
import { Engine } from "../engine/engine.ts";
import { logStats, reportHealth } from "./health.ts";
import type { CheckedQueueOptions } from "../engine/options.ts";
import type { CommitOptions } from "../commit/write-transaction.ts";
import { SQL } from "../schema/statements.ts";
import { SqliteGroups } from "./sqlite-groups.ts";
import { SqliteMember } from "./sqlite-member.ts";
import { SqliteMigration } from "./sqlite-migration.ts";
import { transact } from "./transactions.ts";

const DEFERRED: CommitOptions = { deferred: true };

/** The queue in a file, as the public API works on it. */
export class SqliteBackend implements TransactionalBackend<TransactionDatabase> {
  readonly groups: SqliteGroups;
  readonly deadLetters: SqliteDeadLetters;
  readonly migration: SqliteMigration;
  readonly secret: Uint8Array;
  readonly #engine: Engine;
  readonly #host: BackendHost;

  static async open(options: CheckedQueueOptions, host: BackendHost): Promise<SqliteBackend> {
    const engine = await Engine.open(options, host);
    const { connection } = engine;
    try {
      const row = await connection.read(() => connection.get<{ secret: unknown }>(SQL.secret));
      // Somebody has deleted it: what one process derives alone is still better than nothing.
      const secret = row?.secret instanceof Uint8Array ? row.secret : randomBytes(32);
      return new SqliteBackend(engine, host, secret);
    } catch (error) {
      // Nobody else has it to close it, and it would keep a damaged file open.
      await engine.close();
      throw error;
    }
  }

  private constructor(engine: Engine, host: BackendHost, secret: Uint8Array) {
    this.#engine = engine;
    this.secret = secret;
    this.#host = host;
    this.groups = new SqliteGroups(engine);
    this.deadLetters = new SqliteDeadLetters(engine);
    this.migration = new SqliteMigration(engine);
  }

  append(records: readonly OutgoingRecord[]): Promise<StoredEvent[]> {
    const events = records.map(prepareRow);
    const { committer, appender } = this.#engine;
    return committer.submit(
      (tx) => appender.append(tx, events),
      DEFERRED,
      (appended) => appended.map(appendedEvent),
    );
  }

  read(query: LogQuery): Promise<LogPage> {
    const { connection, log } = this.#engine;
    return connection.read(() => log.read(query));
  }

  history(request: HistoryRequest): Promise<StoredEvent[]> {
    const { connection, log } = this.#engine;
    return connection.read(() => log.history(request));
  }

  startAfter(from: StartFrom): Promise<number> {
    const { connection, log } = this.#engine;
    return connection.read(() => log.startAfter(from));
  }

  async listen(): Promise<void> {
    this.#engine.doorbell.listen();
  }

  member(options: MemberOptions): GroupMember {
    return new SqliteMember({ engine: this.#engine, host: this.#host, options });
  }

  transact<R>(
    body: (transaction: BackendTransaction<TransactionDatabase>) => R,
    options?: TransactOptions,
  ): Promise<Awaited<R>> {
    return transact(this.#engine, body, options);
  }

  id(): Promise<string> {
    const { connection } = this.#engine;
    return connection.read(() => {
      const row = connection.get<{ id: string }>(SQL.queueId);
      if (row !== undefined) return row.id;
      throw new QueueError(
        "QUEUE_DAMAGED",
        `Queue "${connection.path}" has lost its id: somebody has emptied its table "fence". Restore a backup, or salvage it.`,
      );
    });
  }

  stats(): Promise<LogStats> {
    return logStats(this.#engine);
  }

  health(report: HealthReport): Promise<void> {
    return reportHealth(this.#engine, report);
  }

  /** Copies the database of this moment into a new file. */
  async backUp(path: string): Promise<QueueBackup> {
    // What was sent before is in it.
    await this.#engine.committer.flush();
    return backUp(this.#engine.connection, path);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
