import { QueueError } from "../failures/errors.ts";

/** What every call is told after `close`. */
export function closedError(): QueueError {
  return new QueueError("QUEUE_CLOSED", "The queue is closed. Open another instance to go on.");
}
