import { randomBytes } from "node:crypto";
import { existsSync, rmSync, statfsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * What is in the write-ahead log must find room in the database before the log can begin anew: as much as it usually
 * holds until then (8 to 12 MB, see checkpoints.ts), and a third more.
 */
export const RESERVE_BYTES: number = 16 * 1024 * 1024;
/** Free space from which on the disk isn't full any more: the reserve fits, and half as much remains. */
export const ROOMY_BYTES: number = 1.5 * RESERVE_BYTES;
const PIECE_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 100;

/**
 * Keeps a file next to the database so that a full disk has room; others call it a ballast file. On a full disk not
 * even a deletion can be written. Then the file is removed, and in its place acks, leases and retention go on, though
 * no sends. Sends are accepted again when the disk has room, and then the file is made again; or when so much of the
 * database was deleted that there is as much room inside.
 */
export class Reserve {
  readonly #path: string;
  readonly #freeInside: () => number;
  #isFull = false;
  #isRefusing = false;
  #lookAgainAt = 0;
  #making: Promise<void> | undefined;

  /** `freeInside`: bytes of the database that hold nothing. */
  constructor(databasePath: string, freeInside: () => number) {
    this.#path = `${databasePath}.reserve`;
    this.#freeInside = freeInside;
  }

  /** Whether the disk was full, and is as far as is known. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether there is no room for what only adds to the database. */
  get isRefusing(): boolean {
    if (!this.#isFull || performance.now() < this.#lookAgainAt) return this.#isRefusing;
    this.#lookAgainAt = performance.now() + LOOK_EVERY_MS;
    this.#isFull = freeBytes(this.#path) < ROOMY_BYTES;
    this.#isRefusing = this.#isFull && this.#freeInside() < RESERVE_BYTES;
    this.keep();
    return this.#isRefusing;
  }

  /** Whether the file is there, or there is room for it. */
  get fits(): boolean {
    return existsSync(this.#path) || freeBytes(this.#path) >= ROOMY_BYTES;
  }

  /** Makes the file unless it is there, without blocking the event loop. To be called now and then. */
  keep(): void {
    if (this.#making !== undefined || this.#isFull) return;
    if (existsSync(this.#path) || freeBytes(this.#path) < ROOMY_BYTES) return;
    this.#making = this.#make().finally(() => {
      this.#making = undefined;
    });
  }

  /** The disk is full. `true` when giving up the space has helped, so that trying again makes sense. */
  release(): boolean {
    if (!existsSync(this.#path)) return false;
    this.noteFull();
    rmSync(this.#path, { force: true });
    return true;
  }

  /** The disk is full. What only adds to the database is refused from now on, so that there is something left. */
  noteFull(): void {
    // Where nothing was put aside there is nothing to be kept for others.
    if (this.#isFull || !existsSync(this.#path)) return;
    this.#isFull = true;
    this.#isRefusing = true;
    this.#lookAgainAt = performance.now() + LOOK_EVERY_MS;
  }

  /** Resolves when nothing is being written; never rejects. */
  async quiet(): Promise<void> {
    await this.#making;
  }

  /** Random bytes: a file system that compresses would put nothing aside for others. */
  async #make(): Promise<void> {
    const draft = `${this.#path}.${randomBytes(6).toString("hex")}.new`;
    try {
      const handle = await open(draft, "wx", 0o600);
      try {
        const piece = randomBytes(PIECE_BYTES);
        for (let size = 0; size < RESERVE_BYTES; size += PIECE_BYTES) await handle.write(piece);
      } finally {
        await handle.close();
      }
      await rename(draft, this.#path);
    } catch {
      // No room, or no right to make files here: then there is none.
      await rm(draft, { force: true }).catch(() => {});
    }
  }
}

/** Bytes that the disk of a file has left for this user. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize;
}
