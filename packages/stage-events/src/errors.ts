import { printable } from "@ringrift/envelope";

/** Codes of {@link StageEventsError}; see `docs/errors.md`. */
export type StageEventsErrorCode =
  | "UNKNOWN_STAGE"
  | "MISSING_SUCCESS"
  | "SUCCESSFUL_FAILURE"
  | "INVALID_RESULT"
  | "INVALID_OPTION"
  | "INVALID_PIPELINE";

/** What this package throws, besides what comes from the bus underneath. */
export class StageEventsError extends Error {
  override readonly name = "StageEventsError";
  readonly code: StageEventsErrorCode;

  constructor(code: StageEventsErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
  }
}
