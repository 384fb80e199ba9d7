import { QueueError } from "@ringrift/event-queue";
import { reportQueueError } from "@ringrift/event-queue/backend";

/**
 * Whether work that runs by itself should be tried again after this failure. What won't go by itself is reported, once,
 * since the work ends there; but not that a process may only read, which leaves it to others.
 */
export function isWorthTryingAgain(error: unknown, what: string): boolean {
  const code = error instanceof QueueError ? error.code : undefined;
  // A full disk is what the senders are told of.
  if (code === "QUEUE_BUSY" || code === "QUEUE_FULL") return true;
  if (code !== "QUEUE_READ_ONLY") reportQueueError(error, what);
  return false;
}
