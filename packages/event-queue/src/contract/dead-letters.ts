import type { ErrorData } from "../failures/error-data.ts";
import type { DeadLetterNotice } from "../failures/dead-letter-notices.ts";

/** An event that a group gave up on. It survives retention. */
export interface DeadLetter {
  /** Id of the event. */
  readonly id: string;
  readonly group: string;
  readonly type: string;
  /** The payload; a row that could not be parsed gives its raw text. */
  readonly payload: unknown;
  readonly position: number;
  readonly key?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Deliveries it had. */
  readonly attempts: number;
  /** Why the last one failed. */
  readonly error: ErrorData;
  /** The failed attempts, oldest first, at most the last 10. */
  readonly history: readonly {
    readonly attempt: number;
    readonly time: number;
    readonly message: string;
  }[];
  /** When it became a dead letter, in ms since the epoch. */
  readonly time: number;
}

/** Which dead letters; all given fields must match, `{}` means all. */
export interface DeadLetterFilter {
  /** Id of the event. @default any */
  readonly id?: string | undefined;
  /** The group that gave up. @default any */
  readonly group?: string | undefined;
  /** Type of the event. @default any */
  readonly type?: string | undefined;
  /** Became a dead letter at or after this moment. @default no limit */
  readonly since?: Date | number | undefined;
  /** Became a dead letter before this moment. @default no limit */
  readonly until?: Date | number | undefined;
  /** Most letters to list, redrive or discard. @default 100 for `list`, all otherwise */
  readonly limit?: number | undefined;
  /** Only count what would be redriven or discarded. @default false */
  readonly dryRun?: boolean | undefined;
}

/** The dead letters of all groups. */
export interface DeadLetters {
  /**
   * Oldest first; a limit counts from the oldest, as it does for `redrive` and `discard`.
   *
   * @throws QueueError (rejects) `INVALID_OPTION`, `INVALID_TYPE`, `QUEUE_CLOSED`, or a backend's code
   * @throws EnvelopeError (rejects) `INVALID_TIME`
   */
  list(filter?: DeadLetterFilter): Promise<DeadLetter[]>;
  /**
   * Gives them back to the group that failed, and to no other, with their attempts counted from 1 again and
   * `redelivered: true`. A group that was moved back since, and has an event again, leased or ahead of it, gets it once,
   * in its place.
   *
   * @throws what `list` throws (rejects)
   */
  redrive(filter: DeadLetterFilter): Promise<{ count: number }>;
  /**
   * Forgets them for good.
   *
   * @throws what `list` throws (rejects)
   */
  discard(filter: DeadLetterFilter): Promise<{ count: number }>;
  /**
   * Tells of each letter that a call of this instance makes, after it is stored. While anybody is told so, no
   * process warnings (`RINGRIFT_DEAD_LETTER`, a few a minute) are given. Returns what ends it.
   *
   * @throws QueueError `INVALID_OPTION`
   */
  onLetter(listener: (notice: DeadLetterNotice) => void): () => void;
}
