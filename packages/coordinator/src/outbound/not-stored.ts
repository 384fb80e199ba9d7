import { CoordinatorError } from "../errors.ts";
import { emitCoordinatorWarning } from "../host/warning.ts";
import type { CarriedEvent } from "../carrying/wire.ts";

/** Why an event isn't stored. */
export interface NotStoredReason {
  /** What the queue said; `undefined` when it was not asked. */
  readonly cause: unknown;
  /** The coordinator has stopped: it is not tried again. */
  readonly isOver?: boolean;
  /** Whether the coordinator was started before. @default true */
  readonly isStarted?: boolean;
}

/** The event waits in the spool, or is given up since the coordinator has stopped. */
export function notStored(event: CarriedEvent, reason: NotStoredReason): CoordinatorError {
  const { cause, isOver = false, isStarted = true } = reason;
  const name = `Event "${event.type}" (${event.lineage.id})`;
  const because = describe(cause);
  if (isOver) {
    return new CoordinatorError(
      "NOT_STORED",
      `${name} was never stored: ${because}, and the coordinator has stopped. Give its stop more time.`,
      { cause },
    );
  }
  if (!isStarted) {
    return new CoordinatorError(
      "NOT_STORED",
      `${name} is not stored yet: the coordinator is not started. It waits, and is stored in order by "start()".`,
    );
  }
  return new CoordinatorError(
    "NOT_STORED",
    `${name} is not stored yet: ${because}. It waits and is retried in order; "flush()" waits for it.`,
    { cause },
  );
}

/** There is no room for the event. */
export function spoolFull(type: string, limit: number): CoordinatorError {
  return new CoordinatorError(
    "SPOOL_FULL",
    `An event "${type}" is lost to other processes: ${limit} events are on their way to the queue or wait for it. Await publishes, raise "spoolLimit", or use coordinator.publish, which rejects instead.`,
  );
}

/** The coordinator has stopped, or is about to. */
export function notRunning(type: string): CoordinatorError {
  return new CoordinatorError(
    "NOT_STORED",
    `An event "${type}" is not stored: it was published after stop(). Publish before, or start() again.`,
  );
}

/** The same, for people, once. */
export function warnNotRunning(type: string): void {
  emitCoordinatorWarning(
    "RINGRIFT_NOT_RUNNING",
    `An event "${type}" was published after stop(), so it stays in this process, as do those that follow: stats().dropped["not-running"] counts them. Publish before, or start() again.`,
  );
}

/** Events that a stop gave up. */
export function givenUp(events: readonly CarriedEvent[]): CoordinatorError {
  const [first] = events;
  return new CoordinatorError(
    "NOT_STORED",
    `${events.length} event(s), the first of them "${first?.type}" (${first?.lineage.id}), were never stored: the coordinator stopped. Give its stop more time.`,
  );
}

function describe(cause: unknown): string {
  if (cause === undefined) return "earlier events wait for the queue";
  return cause instanceof Error ? cause.message : "it threw something that is no Error";
}
