import { printable } from "@ringrift/envelope";

/** Codes of the process warnings of queues; see `docs/errors.md`. */
export type QueueWarningCode =
  | "RINGRIFT_DEAD_LETTER"
  | "RINGRIFT_QUEUE_ERROR"
  | "RINGRIFT_SHORT_DURATION";

/** Emits a process warning; no value that is shown in it forges a line or drives a terminal. */
export function emitQueueWarning(code: QueueWarningCode, message: string): void {
  process.emitWarning(printable(message), { type: "QueueWarning", code });
}
