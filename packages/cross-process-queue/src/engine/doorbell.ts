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
import { entryAt, mayBePlanted } from "../files/file-owner.ts";
import type { SafetyNet } from "./safety-net.ts";

/** How often who rings looks whether the file is still the one that others watch: a busy sender rings often. */
const LOOK_EVERY_MS = 20;
/** Whoever was woken a moment ago looks again by itself, as long as it finds something. */
const RING_EVERY_MS = 1;
const RING = Buffer.from("!");
/** Never through a link, and without waiting for whoever reads a pipe. Windows has neither. */
const HOW =
  constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Doorbells of this thread by file: they hear one another without the file. */
const neighbours = new Map<string, Set<Doorbell>>();

/**
 * Wakes readers in this process and others. The doorbell is a small file of our own next to the database: a
 * byte is written to it after each COMMIT, and listeners watch it. (Watching the write-ahead log would miss
 * commits: it changes before they can be seen.) A ring is a hint; the truth is in the log, and the safety net finds
 * what wasn't rung for. Never keeps the process alive.
 */
export class Doorbell {
  readonly #path: string;
  readonly #bell: Pick<Bell, "ring">;
  readonly #safetyNet: SafetyNet;
  #descriptor: number | undefined;
  #watcher: FSWatcher | undefined;
  #listening = false;
  #closed = false;
  /** Until then the file is taken to be the one that others watch. */
  #lookAgainAt = 0;
  #lookAgain: NodeJS.Timeout | undefined;
  /** Until then others are told of new commits together. */
  #quietUntil = 0;
  #nextRing: NodeJS.Timeout | undefined;

  constructor(databasePath: string, bell: Pick<Bell, "ring">, safetyNet: SafetyNet) {
    this.#path = `${databasePath}.bell`;
    this.#bell = bell;
    this.#safetyNet = safetyNet;
    const known = neighbours.get(this.#path) ?? new Set();
    neighbours.set(this.#path, known.add(this));
  }

  /** Tells everybody that something was committed. Call it after COMMIT. */
  ring(): void {
    for (const neighbour of neighbours.get(this.#path) ?? []) neighbour.#bell.ring();
    if (this.#nextRing !== undefined) return;
    const now = performance.now();
    if (now < this.#quietUntil) {
      // Keeps the process alive, but for no more than a moment: others would hear of it half a second later.
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
    if (this.#listening) return;
    this.#listening = true;
    runDetached(() => this.#watch());
  }

  close(): void {
    if (this.#closed) return;
    if (this.#nextRing !== undefined) this.#ringOthers();
    this.#closed = true;
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
        this.#watcher.on("error", () => this.#unwatch());
      } catch {
        // No watch left, or a file system without: looking has to do.
      }
    }
    this.#safetyNet.beAlone(this.#watcher === undefined);
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#safetyNet.beAlone(true);
  }

  /** The file, made if need be; `undefined` where it can't be. */
  #open(): number | undefined {
    if (this.#isGone()) this.#forgetFile();
    if (this.#descriptor !== undefined) return this.#descriptor;
    try {
      const descriptor = openSync(this.#path, HOW, 0o600);
      if (isBell(descriptor, this.#path)) this.#descriptor = descriptor;
      else closeSync(descriptor);
    } catch {
      // A link, or a folder that can't be written: others find out by themselves, and listening is by looking.
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

/** Somebody else's file under this name, one with another name too among them, is never written. */
function isBell(descriptor: number, path: string): boolean {
  const entry = fstatSync(descriptor);
  return entry.isFile() && entry.nlink === 1 && !mayBePlanted(entry, path);
}

/** Whether what is there in the doorbell's place is none, and so isn't used. */
export function isBellInTheWay(databasePath: string): boolean {
  const path = `${databasePath}.bell`;
  const entry = entryAt(path);
  if (entry === undefined) return false;
  return !entry.isFile() || entry.nlink !== 1 || mayBePlanted(entry, path);
}
