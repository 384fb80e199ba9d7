import { runDetached } from "@ringrift/envelope";
import type { Connection } from "../database/connection.ts";
import { SQL } from "../schema/statements.ts";

/** How often it looks: what a lost ring costs at most. Waking up is most of what an idle process costs. */
const LOOK_EVERY_MS = 500;
/** The same where files can't be watched. */
const POLL_MS = 25;
/** Every so many looks one looks at the files themselves, too, which costs a third as much again: each 5 s. */
const FILES_EVERY = 10;
/** A step of the wall clock that matters; a clock that is set right bit by bit adds up to one. */
const CLOCK_STEP_MS = 100;

/**
 * Finds what nobody has told of: a commit whose ring was lost, of another process or of this one (that a lease was
 * taken isn't rung for), or a step of the wall clock, by which leases and delays go. As long as nothing has
 * changed, this one look is all that an open queue does. Never keeps the process alive.
 */
export class SafetyNet {
  readonly #connection: Connection;
  readonly #onChange: () => void;
  readonly #lookAtFiles: () => void;
  #timer: NodeJS.Timeout | undefined;
  #everyMs = 0;
  #looks = 0;
  #closed = false;
  #dataVersion: number | undefined;
  #ownChanges: number | undefined;
  #clockOffset = clockOffset();

  /** `onChange` is called when something may have changed since the last look, `lookAtFiles` after every tenth. */
  constructor(connection: Connection, onChange: () => void, lookAtFiles: () => void) {
    this.#connection = connection;
    this.#onChange = onChange;
    this.#lookAtFiles = lookAtFiles;
    this.beAlone(false);
  }

  /** Looks often while nothing else tells of what others commit. */
  beAlone(alone: boolean): void {
    const everyMs = alone ? POLL_MS : LOOK_EVERY_MS;
    if (this.#closed || everyMs === this.#everyMs) return;
    clearInterval(this.#timer);
    this.#everyMs = everyMs;
    this.#timer = runDetached(() => setInterval(() => this.#look(), everyMs).unref());
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  #look(): void {
    try {
      if (this.#hasChanged()) this.#onChange();
      this.#looks += 1;
      if (this.#looks % FILES_EVERY === 0) this.#lookAtFiles();
    } catch {
      // Locked for a moment, or closed: the next look will tell.
    }
  }

  #hasChanged(): boolean {
    const dataVersion = this.#connection.get<{ data_version: number }>(SQL.dataVersion);
    const ownChanges = this.#connection.get<{ changes: number }>(SQL.ownChanges);
    const offset = clockOffset();
    const isStepped = Math.abs(offset - this.#clockOffset) > CLOCK_STEP_MS;
    const isSame =
      dataVersion?.data_version === this.#dataVersion && ownChanges?.changes === this.#ownChanges;
    this.#dataVersion = dataVersion?.data_version;
    this.#ownChanges = ownChanges?.changes;
    if (isStepped) this.#clockOffset = offset;
    return isStepped || !isSame;
  }
}

/** Between the wall clock and the one that nobody sets. */
function clockOffset(): number {
  return Date.now() - performance.now();
}
