/** What kind of problem a health check found. */
export type HealthProblemCode =
  /** A group has dead letters. */
  | "DEAD_LETTERS"
  | "DEAD_LETTERS_FULL"
  /** A group's oldest event has waited for longer than `maxLagMs`. */
  | "GROUP_LAGS"
  /** A group is so far behind that senders are held back (`maxBacklog`). */
  | "SENDERS_HELD_BACK"
  /** Nobody has served a group for a day or longer, and it holds events. */
  | "GROUP_UNSERVED"
  /** A group has set aside as many events as it may that no member has a handler for. */
  | "GROUP_WAITS"
  /** A group keeps what retention would remove. */
  | "GROUP_HOLDS_LOG"
  /** Events could not be read and were skipped. */
  | "EVENTS_UNREADABLE"
  /** The server has lost events that it had acknowledged. */
  | "EVENTS_LOST"
  /** The disk is full, or nearly. */
  | "DISK_NEARLY_FULL"
  /** There is no room to put something aside for a full disk. */
  | "NO_RESERVE"
  /** Others may write the queue's files, or have put one in the place of one. */
  | "FILES_EXPOSED"
  /** A reader keeps the write-ahead log from being taken back. */
  | "LOG_FILE_LARGE"
  /** Two copies of SQLite in this process. */
  | "SQLITE_COPIES"
  /** The connection to the server is lost. */
  | "DISCONNECTED"
  /** Copies of the log are away or behind. */
  | "REPLICAS_MISSING"
  /** The coordinator isn't started. */
  | "NOT_STARTED"
  /** What comes from the queue doesn't reach this node's bus. */
  | "INCOMING_BLOCKED"
  /** A work group of this node works no more. */
  | "WORK_STOPPED"
  /** Events wait in memory to be stored. */
  | "EVENTS_SPOOLED"
  /** Handlers answer each other without an end. */
  | "RUNAWAY_TRAIL"
  /** The queue can't be opened, read or written; the message is the error's. */
  | "QUEUE_FAILED";

/** One thing that is wrong, for people and for programs. */
export interface HealthProblem {
  readonly code: HealthProblemCode;
  /** `error`: the queue can't do its work, or some of it. `warning`: it can, and somebody should look. */
  readonly severity: "warning" | "error";
  /** Since when, in ms since the epoch, where that is known. */
  readonly since?: number | undefined;
  /** What it is about: a group's name, a file, a server, a node. */
  readonly subject: string;
  /** What is wrong, in a sentence. */
  readonly message: string;
  /** What to do about it, in a sentence. */
  readonly action: string;
}
