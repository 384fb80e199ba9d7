import { statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { type HealthProblem, QueueError } from "@ringrift/event-queue";
import type { HealthReport, LogStats } from "@ringrift/event-queue/backend";
import { RESERVE_BYTES, freeBytes, ROOMY_BYTES } from "../commit/reserve.ts";
import { isBellInTheWay } from "../engine/doorbell.ts";
import type { Engine } from "../engine/engine.ts";
import { exposedFiles } from "../files/file-owner.ts";
import type { Group } from "../groups/group-store.ts";
import { lockHolder } from "../database/lock-holder.ts";
import { SQL } from "../schema/statements.ts";
import { sqliteCopies } from "../database/sqlite-copies.ts";

/** How long a health check waits for the write lock. */
const PATIENCE_MS = 1_000;
/** A log that is never taken back into the database: some reader keeps a snapshot open. */
const LARGE_WAL_BYTES = 256 * 1024 * 1024;

/** Counters and sizes, as of now. */
export async function logStats(engine: Engine): Promise<LogStats> {
  const { connection, log, delayed, groups, deadLetters, sweeper } = engine;
  await sweeper.sweepOnce();
  return connection.read(() => {
    const newest = log.newest();
    const oldest = connection.get<{ position: number | null }>(SQL.oldestPosition)?.position;
    return {
      events: log.count(null, 0),
      oldestPosition: oldest ?? undefined,
      newestPosition: newest === 0 ? undefined : newest,
      delayed: delayed.count(),
      groups: groups.all().length,
      deadLetters: deadLetters.count(),
    };
  });
}

/** Looks whether the queue can be read and written now. */
export async function reportHealth(engine: Engine, report: HealthReport): Promise<void> {
  const { connection, committer } = engine;
  const copies = sqliteCopies();
  report.backend = `sqlite ${connection.sqliteVersion}`;
  report.details["sqliteCopies"] = copies;
  try {
    const lags = await lagsOf(engine, Date.now());
    await connection.read(() => reportFile(engine, report, lags));
    await committer.submit(() => connection.run(SQL.probeWriting), {
      durable: false,
      patienceMs: PATIENCE_MS,
    });
  } catch (error) {
    if (error instanceof QueueError && error.code === "WAL_UNLINKED" && copies.length > 1) {
      report.problems.push({
        code: "SQLITE_COPIES",
        severity: "error",
        subject: connection.path,
        message: `This process has loaded ${copies.length} copies of SQLite: ${copies.join(", ")}.`,
        action: "Let only the one of this queue open the file, and start again.",
      });
    }
    throw error;
  }
}

function reportFile(engine: Engine, report: HealthReport, lags: readonly Lag[]): void {
  const { problems, details } = report;
  const { connection } = engine;
  const { path } = connection;
  for (const lag of lags) {
    report.ages.set(lag.name, lag.ageMs);
    if (lag.isOverdue) problems.push(holdsLog(lag));
  }
  const diskFreeBytes = freeBytes(connection.path);
  if (engine.reserve.isRefusing || diskFreeBytes < RESERVE_BYTES) {
    problems.push({
      code: "DISK_NEARLY_FULL",
      severity: "error",
      subject: path,
      message: `The disk has ${diskFreeBytes} bytes left: sends are refused, or will be soon.`,
      action: "Free some space, or move the queue to another disk.",
    });
  } else if (!engine.reserve.fits) {
    problems.push({
      code: "NO_RESERVE",
      severity: "warning",
      subject: path,
      message: `The disk has ${diskFreeBytes} bytes left, too few to put ${RESERVE_BYTES} aside: once it is full, neither acks nor retention can go on.`,
      action: `Free some space, or give the queue a volume with more than ${ROOMY_BYTES} bytes to spare.`,
    });
  }
  problems.push(...exposures(path));
  const walBytes = sizeOf(`${connection.path}-wal`);
  Object.assign(details, {
    path: connection.path,
    schemaVersion: connection.schemaVersion("read"),
    journalMode: connection.database.pragma("journal_mode", { simple: true }),
    bytes: sizeOf(connection.path),
    walBytes,
    diskFreeBytes,
    lockHolder: lockHolder(connection.path),
    usedBytes: connection.usedBytes,
    lag: Object.fromEntries(
      lags.map(({ name, pending, ageMs, skipped }) => [name, { pending, ageMs, skipped }]),
    ),
  });
  if (walBytes > LARGE_WAL_BYTES) {
    problems.push({
      code: "LOG_FILE_LARGE",
      severity: "error",
      subject: `${path}-wal`,
      message: `The write-ahead log has ${walBytes} bytes: some program keeps a read transaction open on the file.`,
      action: "Find that program and end it.",
    });
  }
}

/** Who else may write the queue's files. */
function exposures(path: string): HealthProblem[] {
  const exposed = exposedFiles(path);
  const problems: HealthProblem[] = [];
  if (exposed.length > 0) {
    problems.push({
      code: "FILES_EXPOSED",
      severity: "warning",
      subject: path,
      message: `Others than this process's user may write ${exposed.map((file) => `"${file}"`).join(", ")}: they can read and change every event, or put another file in its place.`,
      action:
        "Take the rights from them (chmod 700 the folder, 600 the files), or move the queue to a folder of its own.",
    });
  }
  if (isBellInTheWay(path)) {
    problems.push({
      code: "FILES_EXPOSED",
      severity: "warning",
      subject: `${path}.bell`,
      message: `"${path}.bell" is a link or somebody else's file, and isn't used: events of other processes come in up to half a second later.`,
      action: "Delete it; it is made anew. See who may write in the folder.",
    });
  }
  return problems;
}

/** How far a group is behind. */
interface Lag {
  readonly name: string;
  readonly pending: number;
  /** How long ago the oldest event was stored that it has still to settle; 0 when there is none. */
  readonly ageMs: number;
  /** Events it was made to skip, in all. */
  readonly skipped: number;
  /** Retention would have removed that event. */
  readonly isOverdue: boolean;
}

/** One group after the other, since to count one of them may take some ms. */
async function lagsOf(engine: Engine, now: number): Promise<Lag[]> {
  const { connection, groups } = engine;
  const lags: Lag[] = [];
  for (const group of await connection.read(() => groups.all())) {
    lags.push(await connection.read(() => lagOf(engine, group, now)));
    await setImmediate();
  }
  return lags;
}

function lagOf({ groups, log, sweeper }: Engine, group: Group, now: number): Lag {
  const oldest = log.at(groups.floor(group));
  return {
    name: group.name,
    pending: groups.pending(group).count,
    skipped: group.skipped,
    ageMs: oldest === undefined ? 0 : Math.max(0, now - oldest.stored_at),
    isOverdue: oldest !== undefined && sweeper.isOverdue(oldest.position, oldest.stored_at, now),
  };
}

function holdsLog({ name, pending, ageMs }: Lag): HealthProblem {
  return {
    code: "GROUP_HOLDS_LOG",
    severity: "error",
    subject: name,
    message: `Group "${name}" has ${pending} events still to settle, the oldest ${Math.round(ageMs / 1000)} s old, and so keeps what retention would remove.`,
    action:
      "Serve it, or move it on (groups.seek); if nobody needs it any more, remove it (groups.remove).",
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
