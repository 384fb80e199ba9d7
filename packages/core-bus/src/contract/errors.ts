import { printable } from "@ringrift/envelope";

/** Codes of {@link EventBusError}; see `docs/errors.md`. */
export type EventBusErrorCode =
  | "INVALID_TOPIC"
  | "INVALID_PATTERN"
  | "INVALID_OPTION"
  | "WRONG_NAME"
  | "UNKNOWN_TOPIC"
  | "WRONG_OUTCOME"
  | "INVALID_PAYLOAD"
  | "ASYNC_SCHEMA"
  | "CAUSAL_DEPTH_EXCEEDED"
  | "DEPTH_EXCEEDED"
  | "HANDLER_FAILED"
  | "HANDLER_TIMEOUT"
  | "MIDDLEWARE_MISUSE"
  | "WAIT_ENDED"
  | "WAIT_TIMEOUT"
  | "STREAM_OVERFLOW"
  | "BUS_CLOSED";

/** What this package throws. */
export class EventBusError extends Error {
  override readonly name: string = "EventBusError";
  readonly code: EventBusErrorCode;

  constructor(code: EventBusErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
  }
}
