import type { LeasedEvent } from "./events.ts";

/** Where a consumer gets its events: a member of a group, without any loop of its own. */
export interface LeaseSource {
  readonly group: string;
  /** As stored with the group; asked for after a `receive` has resolved. */
  readonly leaseMs: number;
  /** As stored with the group; asked for after a `receive` has resolved. */
  readonly maxAttempts: number;
  /**
   * Leases up to `limit` events in position order, waiting at most `waitMs` for a first one. Of events that nobody was
   * given before it may lease `ahead` more, if that saves something, unless there is another among them: whatever ended
   * a process may be in that, and the others should not be counted an attempt for it. When aborted it rejects and
   * holds no lease. Its wait doesn't keep the process alive: the consumer does, unless told otherwise.
   */
  receive(options: {
    readonly limit: number;
    readonly ahead: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<LeasedEvent[]>;
  /** Gives an event back that no handler began: it is due at once, and the attempt isn't counted. */
  release(event: LeasedEvent): Promise<void>;
}
