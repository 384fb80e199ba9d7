import { printable } from "@ringrift/envelope";

/** Codes of {@link CatalogueError}; see `docs/errors.md`. */
export type CatalogueErrorCode =
  | "INVALID_TOPIC"
  | "INVALID_DEFINITION"
  | "INVALID_NAME"
  | "DUPLICATE_NAME"
  | "UNKNOWN_TOPIC"
  | "UNKNOWN_FIELD";

/** What this package throws: a definition that cannot become part of a catalogue. */
export class CatalogueError extends Error {
  override readonly name = "CatalogueError";
  readonly code: CatalogueErrorCode;

  constructor(code: CatalogueErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
  }
}
