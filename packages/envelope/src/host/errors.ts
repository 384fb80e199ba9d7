import { printable } from "./quoted.ts";

/** Codes of {@link EnvelopeError}; see `docs/errors.md`. */
export type EnvelopeErrorCode =
  | "INVALID_LINEAGE"
  | "INVALID_TIME"
  | "INVALID_START"
  | "NODE_TOO_OLD";

/** What this package throws: a value that cannot be part of an event's envelope, or a Node.js that is too old for it. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
  readonly code: EnvelopeErrorCode;

  constructor(code: EnvelopeErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
  }
}
