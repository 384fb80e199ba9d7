import { constants, fdatasync, openSync } from "node:fs";
import { dirname } from "node:path";
import { QueueError } from "@ringrift/event-queue";
import { tooManyFiles } from "../files/descriptors.ts";
import { HeldFile, identityOf } from "../files/file-identity.ts";
import { invalidateAtExit } from "./log-index.ts";
import { QueueFiles } from "./queue-files.ts";
import { syncFolder } from "../files/sync.ts";

/** How often what needn't survive a power cut looks before it writes: a look takes as long as a tenth of such a send. */
const LOOK_EVERY_MS = 1;

/**
 * SQLite's write-ahead log, through a descriptor of our own: to have what was committed brought to the disk
 * without blocking the event loop, and to see that the log, and the database, are still those that everybody uses. It
 * is the one file of SQLite that `fs` may open while the database is open: SQLite holds no locks on it.
 *
 * Why a sync after the commit is as good as one inside it: `docs/decisions/0008-power-loss.md`.
 */
export class WriteAheadLog {
  readonly #databasePath: string;
  readonly #isSynced: boolean;
  readonly #onFailure: (failure: QueueError) => void;
  #files: QueueFiles | undefined;
  #failure: QueueError | undefined;
  /** Shared by all that wait for the next sync. */
  #next: PromiseWithResolvers<void> | undefined;
  #syncing: Promise<void> | undefined;
  #folderSynced = false;
  /** Which file the database is. */
  readonly #database: string | undefined;
  #lookAgainAt = 0;

  /**
   * `isSynced`: senders wait for its syncs. `onFailure` is called once, when the log can't be trusted any more.
   */
  constructor(databasePath: string, isSynced: boolean, onFailure: (failure: QueueError) => void) {
    this.#databasePath = databasePath;
    this.#isSynced = isSynced;
    this.#onFailure = onFailure;
    this.#database = identityOf(databasePath);
  }

  /** Set once the log can't be trusted any more; nothing may be acknowledged from then on. */
  get failure(): QueueError | undefined {
    return this.#failure;
  }

  /**
   * To be called inside a write transaction, before its first write: that the log and its index are those that everybody
   * uses, and the log is as long as the index says. After the commit it would be too late: it has overwritten what others
   * have committed.
   *
   * @throws QueueError `WAL_UNLINKED`, `FILE_REPLACED`, `STORAGE_FAILED`
   * @throws Error `SQLITE_READONLY`
   */
  requireWhole(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const now = performance.now();
    if (!this.#isSynced && now < this.#lookAgainAt) return;
    this.#lookAgainAt = now + LOOK_EVERY_MS;
    this.#open();
    this.#lookAtLength();
    this.#lookAtPlaces();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** To be called after a commit and before it is acknowledged: whether all that is committed is still where it belongs. */
  isWhole(): boolean {
    this.#lookAtPlaces();
    // What was committed is in the log; it may be cut short only while a sync takes its time.
    if (this.#isSynced) this.#lookAtLength();
    return this.#failure === undefined && this.#files !== undefined;
  }

  /**
   * Resolves when everything that was committed before the call is on the disk, whoever committed it. Calls
   * that come while a sync is running share the next one.
   *
   * @throws QueueError (rejects) `SYNC_FAILED`, `WAL_UNLINKED`, `FILE_REPLACED`; from then on every call does
   */
  sync(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#next ??= Promise.withResolvers();
    const { promise } = this.#next;
    this.#syncing ??= this.#syncAll();
    return promise;
  }

  /** Resolves when no sync is running; never rejects. */
  async quiet(): Promise<void> {
    await this.#syncing;
  }

  close(): void {
    const files = this.#files;
    if (files === undefined) return;
    files.close();
    if (this.#failure !== undefined) files.index.invalidate();
    this.#files = undefined;
  }

  /**
   * Idempotent. Once SQLite has read the database it has the log open, and an error of the disk that comes later is
   * reported to this descriptor too.
   */
  #open(): void {
    if (this.#files !== undefined) return;
    const path = `${this.#databasePath}-wal`;
    try {
      // Windows flushes only what may be written through the descriptor.
      const descriptor = openSync(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
      const log = new HeldFile(descriptor, path, this.#isSynced);
      this.#files = new QueueFiles(this.#databasePath, this.#database, log);
    } catch (cause) {
      const code = codeOf(cause);
      if (code === "ENOENT") throw this.#fail(this.#unlinked("deleted"));
      // SQLite begins a transaction on a file that it may only read, and refuses the first write.
      if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
        throw Object.assign(new Error(messageOf(cause), { cause }), { code: "SQLITE_READONLY" });
      }
      const crowded = tooManyFiles(this.#databasePath, cause);
      if (crowded !== undefined) throw crowded;
      throw new QueueError(
        "STORAGE_FAILED",
        `Queue "${this.#databasePath}": its write-ahead log could not be opened (${messageOf(cause)}). Nothing was stored.`,
        { cause },
      );
    }
  }

  /** Never rejects. */
  async #syncAll(): Promise<void> {
    while (this.#next !== undefined) {
      const { resolve, reject } = this.#next;
      this.#next = undefined;
      try {
        await this.#syncOnce();
        resolve();
      } catch (error) {
        reject(error);
      }
    }
    this.#syncing = undefined;
  }

  async #syncOnce(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#dataSync();
      if (!this.#folderSynced) await syncFolder(dirname(this.#databasePath));
      this.#folderSynced = true;
    } catch (cause) {
      // Never again: after an error the kernel takes what it couldn't write for written, and says so.
      throw this.#fail(
        new QueueError(
          "SYNC_FAILED",
          `Queue "${this.#databasePath}": the disk failed to take what was written (${messageOf(cause)}). What was sent last may be lost in a power cut, and this instance stores nothing more. Look at the disk, end all processes that use the file, and start again.`,
          { cause },
        ),
      );
    }
    if (!this.isWhole()) throw this.#failure ?? this.#unlinked("deleted");
  }

  #dataSync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => (error === null ? resolve() : reject(error));
      if (this.#files === undefined) reject(new Error("The log isn't open"));
      else fdatasync(this.#files.log.descriptor, settle);
    });
  }

  #fail(failure: QueueError): QueueError {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = failure;
    if (this.#files !== undefined) invalidateAtExit(this.#files.index);
    this.#onFailure(failure);
    return failure;
  }

  #lookAtPlaces(): void {
    const displaced = this.#failure ? undefined : this.#files?.displaced();
    if (displaced === "log") this.#fail(this.#unlinked("deleted"));
    else if (displaced === "index") this.#fail(this.#indexLost());
    else if (displaced === "database") this.#fail(this.#replaced());
  }

  #lookAtLength(): void {
    if (this.#files === undefined || this.#failure !== undefined) return;
    const { index, log } = this.#files;
    if (index.countsMoreThan(log.descriptor)) this.#fail(this.#unlinked("cut short"));
  }

  #replaced(): QueueError {
    return new QueueError(
      "FILE_REPLACED",
      `Queue "${this.#databasePath}": the file was deleted, moved or replaced while this process used it, so what it stores would be lost. Nothing more is acknowledged. End all processes that use the file before you touch it, and start again.`,
    );
  }

  #unlinked(fate: "deleted" | "cut short"): QueueError {
    return new QueueError(
      "WAL_UNLINKED",
      `Queue "${this.#databasePath}": its write-ahead log was ${fate} while this process used it. A second SQLite in the process (another copy of better-sqlite3, node:sqlite) opened and closed the file, or somebody changed its "-wal" file; what was sent since then may be lost. Use one copy, share its handle as "database", and start again.`,
    );
  }

  #indexLost(): QueueError {
    return new QueueError(
      "WAL_UNLINKED",
      `Queue "${this.#databasePath}": somebody deleted or replaced its "-shm" file while this process used it, so this process and those that opened the file later no longer see each other's writes. Nothing more is stored by this one. Leave the file alone, and start again.`,
    );
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
