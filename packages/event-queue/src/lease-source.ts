import type { LeasedEvent } from "./events.ts";

/** Where a consumer gets its events: a member of a group, without any loop of its own. */
export interface LeaseSource {
  readonly group: string;
  /** As stored with the group; asked for after a `receive` has resolved. */
  readonly leaseMs: number;
  /** As stored with the group; asked for after a `receive` has resolved. */
  readonly maxAttempts: number;
  /**
   * Leases events in position order, waiting at most `waitMs` for a first one. When aborted it rejects and
   * holds no lease. Its wait doesn't keep the process alive: the consumer does, unless told otherwise.
   */
  receive(options: {
    readonly limit: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<LeasedEvent[]>;
  /** Gives an event back that no handler began: it is due at once, and the attempt isn't counted. */
  release(event: LeasedEvent): Promise<void>;
}
