import { readdirSync, readSync, writeSync } from "node:fs";
import { identityOf, linkOf } from "../files/file-identity.ts";

/** It is there twice: https://www.sqlite.org/walformat.html#the_wal_index_header */
const HEADER_BYTES = 48;
const IS_INITIALIZED = 12;
const PAGE_SIZE = 14;
const FRAMES = 16;
const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * SQLite's index of the write-ahead log: the `-shm` file. Through it all processes agree on who may write, and on how far
 * the log counts. Once it was deleted, those who have it open and those who come later know nothing of each other, and
 * write over each other.
 *
 * A descriptor of our own would drop SQLite's locks when it is closed. So it is seen by its path, and, where the system
 * lists the descriptors of a process (Linux), through the one of SQLite.
 */
export class LogIndex {
  readonly #path: string;
  readonly #identity: string | undefined;
  /** SQLite's own; `undefined` where it can't be told. */
  readonly #descriptor: number | undefined;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  readonly #byte = Buffer.alloc(1);

  /** To be made once SQLite has read the database: it keeps the index open from then on. */
  constructor(databasePath: string) {
    this.#path = `${databasePath}-shm`;
    this.#descriptor = descriptorOf(this.#path);
    this.#identity = identityOf(this.#descriptor ?? this.#path);
  }

  /** Whether the path still names the one that SQLite has open. */
  get isInPlace(): boolean {
    return this.#identity !== undefined && identityOf(this.#path) === this.#identity;
  }

  /** Whether the log is shorter than it has to be for all that is committed; `false` where that can't be told. */
  countsMoreThan(log: number): boolean {
    for (;;) {
      const bytes = this.#logBytes();
      if (bytes === 0 || readSync(log, this.#byte, 0, 1, bytes - 1) === 1) return false;
      // Another process may have begun the log anew between the two looks.
      if (this.#logBytes() === bytes) return this.#isHeld;
    }
  }

  /** How long the log has to be; 0 where that can't be told. */
  #logBytes(): number {
    if (this.#descriptor === undefined) return 0;
    const header = this.#header;
    try {
      if (readSync(this.#descriptor, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return 0;
    } catch {
      // The owner of a shared handle has closed it.
      return 0;
    }
    if (header[IS_INITIALIZED] !== 1) return 0;
    // It is in the byte order of the machine.
    const frames = IS_LITTLE_ENDIAN ? header.readUInt32LE(FRAMES) : header.readUInt32BE(FRAMES);
    const size = IS_LITTLE_ENDIAN ? header.readUInt16LE(PAGE_SIZE) : header.readUInt16BE(PAGE_SIZE);
    // 65,536 doesn't fit in, and is written as 1.
    const pageBytes = size === 1 ? 65_536 : size;
    return frames === 0 ? 0 : LOG_HEADER_BYTES + frames * (FRAME_HEADER_BYTES + pageBytes);
  }

  /**
   * Makes SQLite read the log anew before it uses an index again that has lost its name. Else, when this process is the last
   * to close the file, SQLite takes the log into the database by an index that knows nothing of what others have committed
   * since, and deletes the log.
   */
  invalidate(): void {
    if (this.#descriptor === undefined || this.isInPlace || !this.#isHeld) return;
    writeSync(this.#descriptor, Buffer.alloc(2 * HEADER_BYTES), 0, 2 * HEADER_BYTES, 0);
  }

  /** The owner of a shared handle may have closed it: then the descriptor's number may be another file's by now. */
  get #isHeld(): boolean {
    return this.#descriptor !== undefined && identityOf(this.#descriptor) === this.#identity;
  }
}

const lost = new Set<LogIndex>();

/** The driver closes what is open when the process ends, whether anybody asked for it or not. */
export function invalidateAtExit(index: LogIndex): void {
  if (lost.size === 0) process.on("exit", () => lost.forEach((one) => one.invalidate()));
  lost.add(index);
}

/** The descriptor through which this process has a file open; `undefined` when there are several, since one may be closed. */
function descriptorOf(path: string): number | undefined {
  try {
    const found = readdirSync("/proc/self/fd").filter((name) => {
      const link = linkOf(Number(name));
      return link === path || link === `${path} (deleted)`;
    });
    return found.length === 1 ? Number(found[0]) : undefined;
  } catch {
    // There is no /proc here.
    return undefined;
  }
}
