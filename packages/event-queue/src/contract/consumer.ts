import type { AnyContracts, Contracts, EventName } from "@ringrift/envelope";
import type { QueueEvent } from "./events.ts";
import type { GroupPolicy } from "./groups.ts";

/** What a handler gets besides the event. */
export interface DeliveryContext {
  /** Aborted when the handler ran past `handlerTimeoutMs`, the lease was lost, or a stop ran out of time. */
  readonly signal: AbortSignal;
  /** As on the event: 1 on the first delivery. */
  readonly attempt: number;
  /** Prolongs the lease now; `consume` renews by itself, this is for handlers that block the loop. */
  extend(ms: number): Promise<boolean>;
}

/**
 * Handles one event. When it returns (or its promise resolves) the event is acked; when it throws it is
 * tried again after the group's backoff, and after `maxAttempts` (at once for a `PermanentError`) it
 * becomes a dead letter.
 */
export type EventHandler<
  C extends Contracts = AnyContracts,
  K extends EventName<C> = EventName<C>,
> = (event: QueueEvent<C, K>, context: DeliveryContext) => unknown;

/** One handler for each type; the member handles exactly these types. */
export type EventHandlers<C extends Contracts = AnyContracts> = {
  readonly [K in EventName<C>]?: EventHandler<C, K>;
};

/** For compile messages: options, in the place where a handler is given by mistake. A function has a `call`. */
export interface OptionsFirst {
  /** Must be left out. */
  readonly call?: "The handler comes last: (options, handler)";
}

/** How one member works: members of a group may differ. */
export interface ConsumerOptions {
  /** Handlers that may run at once in this member. @default 1 */
  readonly concurrency?: number | undefined;
  /**
   * Events leased ahead of the handlers, beyond `concurrency`. They wait here while another member may be idle. `0`:
   * none, ever.
   * @default as many as its handlers have lately finished within 5 ms, at most 64, where a claim and an ack cost a
   * commit (SQLite); their acks are committed together, within 20 ms, and what isn't begun by then is given back.
   * Events that were delivered before are never leased ahead, nor anything together with them. While thousands
   * come a second it claims once a millisecond.
   */
  readonly prefetch?: number | undefined;
  /**
   * Longest a handler may run; then its signal is aborted (`HANDLER_TIMEOUT`), the attempt has failed and its
   * place is free: a handler that ignores its signal goes on unobserved. Stored with the group, for members that leave
   * it out. @default what is stored, else no limit
   */
  readonly handlerTimeoutMs?: number | undefined;
  /**
   * Derive the ids of what a handler publishes from its event, so that a retry doesn't multiply it. @default true
   */
  readonly dedupeChildren?: boolean | undefined;
  /** Stops the consumer when aborted, as `stop()` does. @default none */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with errors of the queue itself (once for a streak of failing polls; not for failing handlers,
   * which are the group's business). @default a process warning with code `RINGRIFT_QUEUE_ERROR`
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Options of `queue.consume`: the group by name, its policy and the member's own. */
export interface ConsumeOptions<
  C extends Contracts = AnyContracts,
  K extends EventName<C> = EventName<C>,
>
  extends GroupPolicy<C, K>, ConsumerOptions {
  readonly group: string;
}

/** Counters of one consumer since it began. */
export interface ConsumerStats {
  readonly handled: number;
  /** Failed attempts, those that led to a dead letter included. */
  readonly failed: number;
  readonly deadLettered: number;
  /** Leases that were lost while a handler ran: the event is delivered again. */
  readonly leasesLost: number;
  /** Handlers running now. */
  readonly inFlight: number;
  readonly state: "running" | "paused" | "stopping" | "stopped";
}

/** What a stop left behind. */
export interface StopResult {
  /** Whether every running handler finished in time. */
  readonly drained: boolean;
  /**
   * Handlers still running when the time was up. Their signals are aborted (`CONSUMER_STOPPED`) and they are
   * never acked, since they may give up halfway: their leases run out and their events are delivered again.
   */
  readonly left: number;
}

/**
 * A running consumer. It keeps the process alive until it is stopped; `unref()` opts out, as with
 * `net.Server`.
 */
export interface Consumer extends AsyncDisposable {
  /**
   * Takes no new event, gives back what was leased but not begun, and waits for running handlers, at
   * most `timeoutMs` (no limit by default); then aborts their signals. Idempotent; a second call with a
   * shorter limit cuts the first one short. A handler that awaits the stop of its own consumer isn't waited
   * for.
   *
   * @throws nothing: what went wrong is in `ended`
   */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<StopResult>;
  /** Takes no new event until {@link Consumer.resume}, gives back what isn't begun; running handlers go on. */
  pause(): void;
  resume(): void;
  stats(): ConsumerStats;
  /**
   * Resolves when it has stopped: to `undefined`, or to the error that ended it because a retry can't help,
   * e.g. `GROUP_REMOVED`. Never rejects.
   */
  readonly ended: Promise<Error | undefined>;
  unref(): this;
  ref(): this;
}
