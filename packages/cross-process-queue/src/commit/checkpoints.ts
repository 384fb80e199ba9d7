import type { Reserve } from "./reserve.ts";
import type { Connection } from "../database/connection.ts";
import { SQL } from "../schema/statements.ts";
import { isFull } from "../database/sqlite-errors.ts";
import type { WriteAheadLog } from "./write-ahead-log.ts";

/** How often to ask how long the log is, in commits. */
const LOOK_EVERY = 32;
/** Pages that are worth a checkpoint on a full disk, and on others putting something aside for that day: 1 MB. */
const TIGHT = 250;
/** Pages that are worth a checkpoint: 8 MB. */
const WORTH_IT = 2_000;
/** The same where events were appended, 12 MB: some ten milliseconds weigh less on who only consumes them, if anybody does. */
const WORTH_IT_TO_SENDERS = 3_000;
/** Pages from which on the log should begin anew, though others keep using it: 32 MB. */
const TOO_LONG = 8_000;

/** What SQLite says of the log. */
interface LogState {
  /** Pages in it. */
  readonly log: number;
  /** Pages of it that are in the database already. */
  readonly checkpointed: number;
}

/**
 * Takes what is in the write-ahead log into the database, from time to time. SQLite's own way, a checkpoint after
 * each commit that leaves the log longer than 1,000 pages, waits for the disk at every commit as long as other
 * processes keep the log from beginning anew; this one goes by what is still to be taken over. The log is brought to
 * the disk beforehand, without blocking the event loop, so that the checkpoint itself has less to wait for.
 */
export class Checkpoints {
  readonly #connection: Connection;
  readonly #writeAheadLog: WriteAheadLog;
  readonly #reserve: Reserve;
  #commits = 0;
  #running: Promise<void> | undefined;

  constructor(connection: Connection, writeAheadLog: WriteAheadLog, reserve: Reserve) {
    this.#connection = connection;
    this.#writeAheadLog = writeAheadLog;
    this.#reserve = reserve;
  }

  /** To be called after each commit; `appended`: it has appended events. */
  afterCommit(appended: boolean): void {
    this.#commits += 1;
    // A handle of somebody else goes by their settings.
    if (!this.#connection.owned) return;
    const { isFull: isTight } = this.#reserve;
    if (!isTight && this.#commits % LOOK_EVERY !== 0) return;
    const waiting = this.#waiting();
    if (waiting >= TIGHT) this.#reserve.keep();
    const enough = appended ? WORTH_IT_TO_SENDERS : WORTH_IT;
    if (this.#running !== undefined || waiting < (isTight ? TIGHT : enough)) return;
    this.#running = this.#checkpoint().finally(() => {
      this.#running = undefined;
    });
  }

  /** To be called when the disk is full: what the log takes up may be all that is missing. */
  whenFull(): void {
    if (!this.#connection.owned) return;
    this.#running ??= this.#makeRoom().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when no checkpoint is running; never rejects. */
  async quiet(): Promise<void> {
    await this.#running;
  }

  #waiting(): number {
    const state = this.#state(SQL.lookAtLog);
    return state === undefined ? 0 : state.log - state.checkpointed;
  }

  async #checkpoint(): Promise<void> {
    try {
      await this.#writeAheadLog.sync();
      if (!this.#connection.database.open) return;
      const state = this.#connection.get<LogState>(SQL.checkpoint);
      // It waits for nobody: while others read or write, a later one will do.
      if (this.#reserve.isFull) this.#state(SQL.truncateLog);
      else if (state !== undefined && state.log >= TOO_LONG) this.#state(SQL.restartLog);
    } catch (error) {
      // Or the log would go on growing until more is in it than the reserve makes room for.
      if (isFull(error)) this.#reserve.noteFull();
      // Whatever else it was, the next commit meets it, and says so.
    }
  }

  async #makeRoom(): Promise<void> {
    // Not in the middle of the turn that found the disk full: others may be about to give up as well.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#connection.database.open || !this.#writeAheadLog.isWhole()) return;
    this.#state(SQL.truncateLog);
  }

  #state(sql: string): LogState | undefined {
    try {
      return this.#connection.get<LogState>(sql);
    } catch {
      // Somebody is in the way.
      return undefined;
    }
  }
}
