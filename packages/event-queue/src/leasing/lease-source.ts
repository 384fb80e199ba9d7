import type { ChildIds } from "../sending/child-ids.ts";
import type { LeasedEvent } from "../contract/events.ts";

/** Where a consumer gets its events: a member of a group, without any loop of its own. */
export interface LeaseSource {
  readonly group: string;
  /** What holds for this member; asked for after a `receive` has resolved. */
  readonly leaseMs: number;
  /** What holds for this member; asked for after a `receive` has resolved. */
  readonly maxAttempts: number;
  /** As stored with the group, for a member that doesn't state it; asked for after a `receive` has resolved. */
  readonly handlerTimeoutMs?: number | undefined;
  /**
   * Whether a claim costs a commit, which an ack made at the same time shares. Then a member with quick handlers leases
   * ahead of them, acks together, and claims a little later when events come fast.
   */
  readonly claimsCommit: boolean;
  /** Of the queue; asked for after a `receive` has resolved. Without them every event is a new one. */
  readonly childIds?: ChildIds | undefined;
  /**
   * Leases up to `limit` events in position order, waiting at most `waitMs` for a first one; and `ahead` more of those that
   * nobody was given before (0 unless `claimsCommit`), if there is no other event among all: whatever ended a process
   * may be in that, and the rest should not be counted an attempt for it. When aborted it rejects and holds no lease.
   * Its wait doesn't keep the process alive: the consumer does, unless told otherwise.
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
