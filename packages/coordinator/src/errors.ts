import { printable } from "@ringrift/envelope";

/** Codes of {@link CoordinatorError}; see `docs/errors.md`. */
export type CoordinatorErrorCode =
  | "BRIDGE_BLOCKED"
  | "BRIDGE_CLOSED"
  | "BRIDGE_ENDED"
  | "BRIDGE_REFUSED"
  | "COORDINATOR_CLOSED"
  | "HANDLE_CONFLICT"
  | "INVALID_CATALOGUE"
  | "INVALID_OPTION"
  | "LOCAL_TOPIC"
  | "METADATA_NOT_JSON"
  | "NODE_NAME_TAKEN"
  | "NOT_STARTED"
  | "NOT_STORED"
  | "SAME_QUEUE"
  | "SPOOL_FULL"
  | "UNKNOWN_TOPIC"
  | "WRONG_OUTCOME";

/** What the coordinator throws and rejects with. Errors of a bus or a queue come through unchanged. */
export class CoordinatorError extends Error {
  override readonly name = "CoordinatorError";
  readonly code: CoordinatorErrorCode;

  constructor(code: CoordinatorErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
  }
}
