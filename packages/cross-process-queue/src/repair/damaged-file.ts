import { randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { QueueError } from "@ringrift/event-queue";
import { loadDriver, type SqliteDatabase } from "../files/driver.ts";
import { requireOwnTables } from "../schema/own-schema.ts";

/** Of "The Database Header" of SQLite's file format. */
const HEADER_BYTES = 100;
const PAGE_SIZE_AT = 16;
const CHANGE_COUNTER_AT = 24;
const PAGE_COUNT_AT = 28;
const FREELIST_AT = 32;
const VALID_FOR_AT = 92;
const PAGE_BYTES = 4096;
/** What was cut off is this many times what is left, at most. */
const MOST_GROWTH = 1_000;

/**
 * A copy of a damaged database that can be read as far as there is something to read: the file itself is left as it
 * is. What is missing at its end is filled up, and a first page that SQLite can't make sense of is taken from a sound
 * queue.
 */
export class DamagedFile {
  readonly #copy: string;
  #database: SqliteDatabase;

  /**
   * Copies `path` to a file next to `draft`, and opens it. `sound`: a fresh queue, for its first page.
   *
   * @throws QueueError `CANNOT_OPEN`, `NOT_A_QUEUE`
   */
  constructor(path: string, draft: string, sound: string) {
    this.#copy = `${draft}.${randomBytes(6).toString("hex")}.damaged`;
    try {
      copyFileSync(path, this.#copy);
      if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${this.#copy}-wal`);
    } catch (cause) {
      this.#remove();
      throw new QueueError(
        "CANNOT_OPEN",
        `"${path}" could not be copied for its salvage: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
    this.#database = open(this.#copy);
    try {
      if (this.#isReadable()) {
        requireOwnTables(this.#database, path);
        return;
      }
      this.#database.close();
      makeReadable(this.#copy, sound);
      this.#database = open(this.#copy);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get database(): SqliteDatabase {
    return this.#database;
  }

  close(): void {
    this.#database.close();
    this.#remove();
  }

  /** Whether SQLite finds its way into it at all. */
  #isReadable(): boolean {
    try {
      this.#database.pragma("schema_version");
      this.#database.prepare("SELECT position FROM ringrift_events LIMIT 0");
      return true;
    } catch {
      return false;
    }
  }

  #remove(): void {
    for (const end of ["", "-wal", "-shm"]) rmSync(`${this.#copy}${end}`, { force: true });
  }
}

function open(path: string): SqliteDatabase {
  const Driver = loadDriver();
  const database = new Driver(path, { timeout: 1_000 });
  database.pragma("trusted_schema = OFF");
  return database;
}

/** Fills a file up to whole pages and to what its header says, and gives it a first page that can be read. */
function makeReadable(path: string, sound: string): void {
  const page = Buffer.alloc(PAGE_BYTES);
  const header = Buffer.alloc(HEADER_BYTES);
  readStart(path, header);
  readStart(sound, page);
  const { size } = statSync(path);
  const isHeader = header.toString("latin1", 0, 15) === "SQLite format 3";
  const pageBytes = isHeader ? header.readUInt16BE(PAGE_SIZE_AT) : PAGE_BYTES;
  const saidPages = isHeader && pageBytes === PAGE_BYTES ? header.readUInt32BE(PAGE_COUNT_AT) : 0;
  // Within reason: what the header says may be damaged too. What is filled up takes no space.
  // And at least as many as a queue without events has, since its first page names them.
  const there = Math.max(page.readUInt32BE(PAGE_COUNT_AT), Math.ceil(size / PAGE_BYTES));
  const pages = saidPages > there && saidPages <= MOST_GROWTH * there ? saidPages : there;
  const descriptor = openSync(path, "r+");
  try {
    ftruncateSync(descriptor, pages * PAGE_BYTES);
    if (isHeader && size >= PAGE_BYTES && saidPages === pages && saidPages !== there) return;
    page.writeUInt32BE(pages, PAGE_COUNT_AT);
    page.copy(page, VALID_FOR_AT, CHANGE_COUNTER_AT, CHANGE_COUNTER_AT + 4);
    // No free pages, for what they are is not known; nothing is written into this copy.
    page.fill(0, FREELIST_AT, FREELIST_AT + 8);
    writeSync(descriptor, page, 0, PAGE_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
}

function readStart(path: string, into: Buffer): void {
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, into, 0, into.length, 0);
  } finally {
    closeSync(descriptor);
  }
}
