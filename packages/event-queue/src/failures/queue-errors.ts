import { EnvelopeError } from "@ringrift/envelope";
import { QueueError, type QueueErrorCode } from "./errors.ts";
import { emitQueueWarning } from "./warning.ts";

/** What may be over in a moment. Everything else with a code stays as it is, however often one asks. */
const TRANSIENT: ReadonlySet<QueueErrorCode> = new Set<QueueErrorCode>([
  "QUEUE_BUSY",
  "QUEUE_FULL",
  "BACKLOG_FULL",
  "QUEUE_READ_ONLY",
  "STORAGE_FAILED",
  "CORRUPT_EVENT",
  "SERVER_UNREACHABLE",
]);

/** For backends: whether asking again is useless: the queue is closed, or the question is wrong. */
export function isFatal(error: unknown): boolean {
  if (error instanceof QueueError) return !TRANSIENT.has(error.code);
  return error instanceof EnvelopeError;
}

/**
 * For backends: reports an error that no call can reject with. To `onError` if there is one; else visibly,
 * as a process warning with code `RINGRIFT_QUEUE_ERROR`. Never throws.
 */
export function reportQueueError(
  error: unknown,
  where: string,
  onError?: (error: unknown) => void,
): void {
  if (onError !== undefined) {
    try {
      onError(error);
      return;
    } catch (thrown) {
      warn(`${where}: onError itself threw: ${messageOf(thrown)}`);
    }
  }
  warn(`${where}: ${messageOf(error)}`);
}

function warn(message: string): void {
  emitQueueWarning("RINGRIFT_QUEUE_ERROR", message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
