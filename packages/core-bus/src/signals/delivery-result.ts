import type { BusEvent } from "../contract/event.ts";
import type { HandlerError } from "./handler-error.ts";

/**
 * Why an event was not delivered: `duplicate`, a handler that is run again has published it again; `echo`, it has
 * passed this bus before; `hop-limit`, it has passed too many; `stream-overflow`, a stream's buffer was full; `vetoed`,
 * middleware did not let it pass.
 */
export type DropReason = "duplicate" | "echo" | "hop-limit" | "stream-overflow" | "vetoed";

/** What came of a publish, when all its handlers have settled. */
export interface Delivery<E = BusEvent> {
  readonly event: E;
  /** Handlers that succeeded. */
  readonly delivered: number;
  /** The failures of the others, in the order in which they failed. */
  readonly errors: readonly HandlerError[];
  /**
   * Set when a bridge brought what must not be delivered here, a handler's retry published what this bus has had, or
   * middleware kept it back: nobody was called.
   */
  readonly dropped?: Exclude<DropReason, "stream-overflow">;
}
