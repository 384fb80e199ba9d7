import type { AnyContracts, Contracts, EventLineage, EventName } from "@ringrift/envelope";

/** An event as the log holds it. */
export interface StoredEvent<K extends string = string, P = unknown> extends EventLineage {
  /** Place in the log, from 1, in commit order; never reused once acknowledged. 0 until it has one: while it is delayed, or not committed yet. */
  readonly position: number;
  /** Event type, e.g. `TRAINING_COMPLETED`. */
  readonly type: K;
  readonly payload: P;
  /** Order key: events of one key are handled one after another within a group. */
  readonly key?: string;
  /** Strings that travel with the payload; empty when there are none. */
  readonly headers: Readonly<Record<string, string>>;
  /** When the log stored it, in ms since the epoch (`time` is when it was created). */
  readonly storedAt: number;
  /** On the result of a `send` with `delayMs`: when it enters the log, in ms since the epoch. */
  readonly dueAt?: number;
  /** Which delivery to this group this is, from 1; 0 where the event is only looked at or just sent. */
  readonly attempt: number;
  /** Whether it may have been handled before: `attempt` above 1, or redriven from the dead letters. */
  readonly redelivered: boolean;
  /** Present on the result of a `send` that added nothing: this is the event stored first. */
  readonly duplicate?: true;
}

/** What `send`, `history`, `stream` and `receive` without a group give: a union over the types of `C`. */
export type QueueEvent<
  C extends Contracts = AnyContracts,
  K extends EventName<C> = EventName<C>,
> = { [T in K]: StoredEvent<T, C[T]> }[K];

/** How a leased event is given back, so that its group tries it again. */
export interface NackOptions {
  /** Wait at least this long before the next attempt. @default the group's backoff */
  readonly delayMs?: number | undefined;
  /** Why; kept with the attempts and, after the last one, in the dead letter. @default none */
  readonly reason?: unknown;
}

/** The part of an event that a lease adds. */
export interface Lease {
  /**
   * Settles the event for its group: it is not delivered again. Idempotent. `false` when the lease was
   * lost meanwhile (it ran out, and the event belongs to another member): then nothing changed.
   */
  ack(): Promise<boolean>;
  /**
   * Gives the event back for another attempt, or to the dead letters after `maxAttempts` (at once for a
   * `PermanentError`). `false` when the lease was lost meanwhile: then nothing changed.
   *
   * @throws QueueError (rejects) `INVALID_OPTION`, `QUEUE_CLOSED`, or a backend's code
   */
  nack(options?: NackOptions): Promise<boolean>;
  /**
   * Moves the end of the lease to now + `ms`, also after it has run out. `false` when it was lost meanwhile, as above.
   *
   * @throws QueueError (rejects) `INVALID_OPTION`, `QUEUE_CLOSED`, or a backend's code
   */
  extend(ms: number): Promise<boolean>;
  /** End of the lease as of the last claim or `extend`, in ms since the epoch. */
  readonly leaseUntil: number;
}

/** What a group's `receive` gives: the event, and the lease on it. */
export type LeasedEvent<
  C extends Contracts = AnyContracts,
  K extends EventName<C> = EventName<C>,
> = QueueEvent<C, K> & Lease;
