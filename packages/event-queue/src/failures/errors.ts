import { printable } from "@ringrift/envelope";

/** Codes of {@link QueueError}; see `docs/errors.md`. */
export type QueueErrorCode =
  | "INVALID_TYPE"
  | "INVALID_OPTION"
  | "INVALID_HEADERS"
  | "INVALID_PATH"
  | "PAYLOAD_NOT_JSON"
  | "PAYLOAD_TOO_LARGE"
  | "PAYLOAD_TOO_DEEP"
  | "PAYLOAD_FORBIDDEN_KEY"
  | "ID_TAKEN"
  | "WRONG_OUTCOME"
  | "GROUP_CONFIG_MISMATCH"
  | "GROUP_NOT_FOUND"
  | "GROUP_CLAIMED"
  | "GROUP_SKIPPED"
  | "GROUP_REMOVED"
  | "GROUP_START_UNSTATED"
  | "GROUP_POLICY_CHANGED"
  | "GROUP_SHARED"
  | "GROUP_TYPE_ENDED"
  | "GROUP_EXPIRED"
  | "GROUP_MISSED"
  | "HANDLER_TIMEOUT"
  | "HANDLER_MISSING"
  | "MIDDLEWARE_MISUSE"
  | "CONSUMER_STOPPED"
  | "LEASE_LOST"
  | "LEASE_EXPIRED"
  | "CORRUPT_EVENT"
  | "EVENTS_LOST"
  | "QUEUE_CLOSED"
  | "QUEUE_BUSY"
  | "QUEUE_FULL"
  | "BACKLOG_FULL"
  | "QUEUE_READ_ONLY"
  | "CANNOT_OPEN"
  | "NOT_A_QUEUE"
  | "SCHEMA_TOO_NEW"
  | "NETWORK_FILE_SYSTEM"
  | "SQLITE_TOO_OLD"
  | "DRIVER_MISSING"
  | "QUEUE_DAMAGED"
  | "STORAGE_FAILED"
  | "SYNC_FAILED"
  | "WAL_UNLINKED"
  | "FILE_REPLACED"
  | "ASYNC_TRANSACTION"
  | "TRANSACTION_ENDED"
  | "SERVER_UNREACHABLE"
  | "SERVER_TOO_OLD"
  | "JETSTREAM_DISABLED"
  | "ACCESS_DENIED"
  | "MIGRATION_INCOMPLETE"
  | "MIGRATION_REFUSED"
  | "MIGRATION_UNSUPPORTED"
  | "UNSUPPORTED";

/** What a queue throws and rejects with: a code for programs, a message that says what to do for people. */
export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly code: QueueErrorCode;

  constructor(code: QueueErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
  }
}

/**
 * Thrown by a handler to say that trying again is useless: the event becomes a dead letter at once.
 *
 * @example throw new PermanentError("Unknown customer 42")
 */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
  readonly code = "PERMANENT";
}
