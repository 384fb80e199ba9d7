import {
  closeSync,
  constants,
  type FSWatcher,
  fstatSync,
  openSync,
  watch,
  writeSync,
} from "node:fs";
import { runDetached } from "@ringrift/envelope";
import type { Bell } from "@ringrift/event-queue/backend";

/** How often a listener asks SQLite whether anybody committed: what a lost ring costs at most. */
const SAFETY_NET_MS = 250;
/** The same where files can't be watched. */
const POLL_MS = 25;

/** How often who rings looks whether the file is still the one that others watch: a busy sender rings often. */
const LOOK_EVERY_MS = 20;
/** Whoever was woken a moment ago looks again by itself, as long as it finds something. */
const RING_EVERY_MS = 1;
const RING = Buffer.from("!");

/** Doorbells of this thread by file: they hear one another without the file. */
const neighbours = new Map<string, Set<Doorbell>>();

/**
 * Wakes readers in this process and others. The doorbell is a small file of our own beside the database: a
 * byte is written to it after each COMMIT, and listeners watch it. (Watching the write-ahead log would miss
 * commits: it changes before they can be seen.) A ring is a hint; the truth is in the log, and a listener
 * looks by itself every 250 ms whether anybody committed. Never keeps the process alive.
 */
export class Doorbell {
  readonly #path: string;
  readonly #bell: Bell;
  readonly #dataVersion: () => unknown;
  #descriptor: number | undefined;
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #seenVersion: unknown;
  #closed = false;
  /** Until then the file is taken to be the one that others watch. */
  #lookAgainAt = 0;
  #lookAgain: NodeJS.Timeout | undefined;
  /** Until then others are told of new commits together. */
  #quietUntil = 0;
  #nextRing: NodeJS.Timeout | undefined;

  /** `dataVersion` gives another value whenever another connection has committed. */
  constructor(databasePath: string, bell: Bell, dataVersion: () => unknown) {
    this.#path = `${databasePath}.bell`;
    this.#bell = bell;
    this.#dataVersion = dataVersion;
    const known = neighbours.get(this.#path) ?? new Set();
    neighbours.set(this.#path, known.add(this));
  }

  /** Tells everybody that something was committed. Call it after COMMIT. */
  ring(): void {
    for (const neighbour of neighbours.get(this.#path) ?? []) neighbour.#bell.ring();
    if (this.#nextRing !== undefined) return;
    const now = performance.now();
    if (now < this.#quietUntil) {
      // Keeps the process alive, but for no more than a moment: others would hear of it a quarter of a second later.
      this.#nextRing = runDetached(() => setTimeout(() => this.#ringOthers(), RING_EVERY_MS));
    } else this.#ringOthers();
  }

  #ringOthers(): void {
    clearTimeout(this.#nextRing);
    this.#nextRing = undefined;
    const now = performance.now();
    this.#quietUntil = now + RING_EVERY_MS;
    if (now < this.#lookAgainAt) {
      // If it was deleted meanwhile, this rings in vain, and is done again.
      this.#lookAgain ??= setTimeout(() => this.#ringAgain(), LOOK_EVERY_MS).unref();
    } else if (this.#open() !== undefined) this.#lookAgainAt = now + LOOK_EVERY_MS;
    this.#ringFile();
  }

  #ringAgain(): void {
    this.#lookAgain = undefined;
    if (this.#closed || !this.#isGone()) return;
    this.#open();
    this.#ringFile();
  }

  #ringFile(): void {
    if (this.#descriptor === undefined) return;
    try {
      writeSync(this.#descriptor, RING, 0, 1, 0);
    } catch {
      // Others find out by themselves, a moment later.
    }
  }

  /** Begins to listen to others; idempotent. */
  listen(): void {
    if (this.#poll !== undefined || this.#closed) return;
    runDetached(() => this.#watch());
  }

  close(): void {
    if (this.#closed) return;
    if (this.#nextRing !== undefined) this.#ringOthers();
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#lookAgain);
    this.#watcher?.close();
    this.#forgetFile();
    const known = neighbours.get(this.#path);
    known?.delete(this);
    if (known?.size === 0) neighbours.delete(this.#path);
  }

  #watch(): void {
    if (this.#closed) return;
    this.#watcher?.close();
    this.#watcher = undefined;
    if (this.#open() !== undefined) {
      try {
        this.#watcher = watch(this.#path, { persistent: false }, () => {
          this.#bell.ring();
          if (this.#isGone()) this.#watch();
        });
        this.#watcher.on("error", () => this.#pollOnly());
      } catch {
        this.#watcher = undefined;
      }
    }
    this.#pollEvery(this.#watcher === undefined ? POLL_MS : SAFETY_NET_MS);
  }

  #pollOnly(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#pollEvery(POLL_MS);
  }

  #pollEvery(everyMs: number): void {
    clearInterval(this.#poll);
    if (this.#closed) return;
    this.#poll = setInterval(() => this.#lookForCommits(), everyMs).unref();
  }

  #lookForCommits(): void {
    let version: unknown;
    try {
      version = this.#dataVersion();
    } catch {
      // Locked for a moment, or closed: the next look will tell.
      return;
    }
    if (version === this.#seenVersion) return;
    this.#seenVersion = version;
    this.#bell.ring();
  }

  /** The file, made if need be; `undefined` where it can't be. */
  #open(): number | undefined {
    if (this.#isGone()) this.#forgetFile();
    if (this.#descriptor !== undefined) return this.#descriptor;
    try {
      this.#descriptor = openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
    } catch {
      // A folder that can't be written: then nobody commits from here, and listening is by looking.
    }
    return this.#descriptor;
  }

  /** Deleted or replaced: what is open here is no longer the file that others ring. */
  #isGone(): boolean {
    return this.#descriptor !== undefined && fstatSync(this.#descriptor).nlink === 0;
  }

  #forgetFile(): void {
    this.#lookAgainAt = 0;
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
