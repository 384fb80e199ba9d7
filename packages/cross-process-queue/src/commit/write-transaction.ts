import type { DeadLetterNotice } from "@ringrift/event-queue";
import type { Ack } from "./lease.ts";
import type { EventRow } from "../database/event-row.ts";

/** One write transaction, as the jobs in it see it. */
export interface WriteTransaction {
  /** The moment of the transaction, in ms since the epoch. */
  readonly now: number;
  /** Where the log ends, once a job of this transaction has looked. */
  tail?: { position: number; storedAt: number };
  /** Rows that jobs of this transaction have appended to the log and that are not written yet. */
  readonly appended: EventRow[];
  /** Acks of jobs of this transaction that are not written yet. */
  readonly acks: Ack[];
  /** What jobs of this transaction have made dead letters of. */
  readonly buried: DeadLetterNotice[];
  /** Set by a job that did something which has to survive a power cut, though such jobs as a rule don't. */
  durable: boolean;
  /** Set by a job when others may be waiting for what it did: they are woken after COMMIT. */
  rings: boolean;
}

/** How one piece of writing is committed. */
export interface CommitOptions {
  /**
   * Whether a power cut may undo it. What is lost with a lease or an ack is made good by delivering the event
   * again, so these need no sync of their own. @default true
   */
  readonly durable?: boolean;
  /**
   * Whether somebody waits who has nothing else to do: then it is committed at the end of this tick, if the turn had
   * no transaction before. @default what `durable` is
   */
  readonly urgent?: boolean;
  /** It leaves its writing to `tx.appended` or `tx.acks` and looks at nothing: so it shares statements with others. */
  readonly deferred?: boolean;
  /** It has a transaction of its own: what it does may fail, and may not be done twice. @default false */
  readonly alone?: boolean;
  /**
   * It makes room, or is of those that do: so it may use what was put aside for a full disk.
   * @default what `durable` isn't
   */
  readonly usesReserve?: boolean;
  /** How long it tries again while another process holds the lock. @default 10_000 */
  readonly patienceMs?: number;
}
