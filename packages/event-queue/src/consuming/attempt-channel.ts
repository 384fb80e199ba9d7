import { channel } from "node:diagnostics_channel";
import type { LeasedEvent } from "../contract/events.ts";

/** What a subscriber of the diagnostics channel `ringrift.attempt.failed` gets, for each failed attempt of a handler. */
export interface FailedAttempt {
  readonly group: string;
  readonly event: LeasedEvent;
  readonly attempt: number;
  readonly error: unknown;
  /** Whether the event is tried again; otherwise it becomes a dead letter. */
  readonly willRetry: boolean;
}

const failedAttempts = channel("ringrift.attempt.failed");

/** Tells of a failed attempt; costs nothing while nobody listens. */
export function tellOfFailedAttempt(attempt: FailedAttempt): void {
  if (failedAttempts.hasSubscribers) failedAttempts.publish(attempt);
}
