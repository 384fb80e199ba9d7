import { randomBytes } from "node:crypto";

/**
 * For backends: makes the id of a new queue, 32 hexadecimal digits that no other queue has. It is made once, kept with
 * the log, and never changed.
 */
export function newQueueId(): string {
  return randomBytes(16).toString("hex");
}
