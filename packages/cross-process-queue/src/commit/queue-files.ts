import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { type HeldFile, identityOf } from "../files/file-identity.ts";
import { LogIndex } from "./log-index.ts";

/** A folder that was changed so short a time ago may be changed again without getting another time. */
const TICK_MS = 50;
/** How often it is looked whether the path still leads to the folder. */
const PATH_MS = 100;

/** A queue's database, its write-ahead log and the log's index, as SQLite has them open. */
export class QueueFiles {
  readonly log: HeldFile;
  readonly index: LogIndex;
  readonly #databasePath: string;
  readonly #database: string | undefined;
  readonly #folderPath: string;
  /** A descriptor of the folder: to ask by it takes a third less than by its path. `undefined` where it can't be had. */
  readonly #folderDescriptor: number | undefined;
  /** The folder when all of them were in their places. */
  #folder: Stats | undefined;
  /** When its path was looked at last, on the monotone clock. */
  #pathSeenAt = 0;

  /** `database`: which file it is. To be made once SQLite has read it. */
  constructor(databasePath: string, database: string | undefined, log: HeldFile) {
    this.#databasePath = databasePath;
    this.#database = database;
    this.log = log;
    this.index = new LogIndex(databasePath);
    this.#folderPath = dirname(databasePath);
    this.#folderDescriptor = openFolder(this.#folderPath);
  }

  close(): void {
    closeSync(this.log.descriptor);
    if (this.#folderDescriptor !== undefined) closeSync(this.#folderDescriptor);
  }

  /**
   * Which of them its path doesn't name any more: it was deleted, moved or replaced. Where that leaves a trace in the
   * folder's times, one look at the folder does, as long as nothing in it changes: some 3 µs instead of 10.
   */
  displaced(): "database" | "log" | "index" | undefined {
    const folder = this.#lookAtFolder();
    if (folder !== undefined && isSame(folder, this.#folder)) return undefined;
    const displaced = this.#look();
    const isTelling = process.platform !== "win32" && displaced === undefined;
    this.#folder = isTelling && isOld(folder) ? folder : undefined;
    return displaced;
  }

  /** Another folder may take its place: that is seen a moment later. */
  #lookAtFolder(): Stats | undefined {
    const now = performance.now();
    const isDue = now - this.#pathSeenAt > PATH_MS || this.#folderDescriptor === undefined;
    if (isDue) this.#pathSeenAt = now;
    return lookAt(isDue ? this.#folderPath : this.#folderDescriptor);
  }

  #look(): "database" | "log" | "index" | undefined {
    if (!this.log.isInPlace) return "log";
    if (!this.index.isInPlace) return "index";
    return identityOf(this.#databasePath) === this.#database ? undefined : "database";
  }
}

function openFolder(path: string): number | undefined {
  // Windows gives no times that tell.
  if (process.platform === "win32") return undefined;
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
}

function lookAt(folder: string | number | undefined): Stats | undefined {
  try {
    if (folder === undefined) return undefined;
    return typeof folder === "number" ? fstatSync(folder) : statSync(folder);
  } catch {
    return undefined;
  }
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return one.ctimeMs === other?.ctimeMs && one.ino === other.ino && one.dev === other.dev;
}

function isOld(folder: Stats | undefined): boolean {
  return folder !== undefined && Date.now() - folder.ctimeMs > TICK_MS;
}
