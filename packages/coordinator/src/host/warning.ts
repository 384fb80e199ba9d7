import { printable, printableStack } from "@ringrift/envelope";

/** Codes of a coordinator's process warnings; see `docs/errors.md`. */
export type CoordinatorWarningCode =
  | "RINGRIFT_NOT_RUNNING"
  | "RINGRIFT_RUNAWAY_TRAIL"
  | "RINGRIFT_UNKNOWN_TYPE"
  | "RINGRIFT_UNMAPPED_TOPIC";

/** Emits a process warning; no value that is shown in it forges a line or drives a terminal. */
export function emitCoordinatorWarning(code: CoordinatorWarningCode, message: string): void {
  process.emitWarning(printable(message), { type: "CoordinatorWarning", code });
}

/** The same for an error that nobody else is told of: code `RINGRIFT_COORDINATOR_ERROR`, with its stack. */
export function warnOfError(error: unknown): void {
  const text = error instanceof Error ? printableStack(stackOf(error)) : printable(error);
  process.emitWarning(text, { code: "RINGRIFT_COORDINATOR_ERROR" });
}

/** Somebody may have set it to anything. */
function stackOf({ stack, message }: Error): string {
  return typeof stack === "string" ? stack : message;
}
