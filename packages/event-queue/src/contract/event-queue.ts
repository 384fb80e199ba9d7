import type {
  AnyContracts,
  Contracts,
  EventLineage,
  EventName,
  StartFrom,
} from "@ringrift/envelope";
import type { ConsumerMiddleware } from "./consumer-middleware.ts";
import type {
  ConsumeOptions,
  Consumer,
  ConsumerOptions,
  EventHandler,
  EventHandlers,
  OptionsFirst,
} from "./consumer.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { LeasedEvent, QueueEvent } from "./events.ts";
import type { EnsuredGroup, EnsureOptions, GroupPolicy, Groups } from "./groups.ts";
import type { Sendable, SendablePayload } from "./sendable.ts";
import type { HealthProblem } from "../failures/health-problem.ts";

/** What may accompany a payload. */
export interface SendOptions {
  /**
   * The same key within the dedupe window gives back the event of this type that was stored first, `duplicate: true`,
   * whatever its payload is. A handler whose sends are repeated by a retry needs none: see `dedupeChildren`.
   * @default none: every send is an event of its own
   */
  readonly dedupeKey?: string | undefined;
  /** Order key: within a group, events of one key are handled one after another. @default none: no order is kept */
  readonly key?: string | undefined;
  /** Strings that travel next to the payload. @default {} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The event enters the log so long after the send, and not before: until then no reader and no group sees it, and
   * it has no position. It waits as durably as any event is stored, also while no process is there: what fell due
   * then comes in when one opens the queue. At most 100 days. @default 0
   */
  readonly delayMs?: number | undefined;
  /** Component that sends, e.g. `trainer`. @default the queue's `source` */
  readonly source?: string | undefined;
  /** @default the handled event's, else the new event's own id */
  readonly correlationId?: string | undefined;
  /** W3C trace context. @default the handled event's, if any */
  readonly traceparent?: string | undefined;
  /**
   * For bridges: the lineage of an event that exists already. The log is unique by its id: an event that is stored
   * already adds nothing, another one of that id is refused (`ID_TAKEN`). @default a new one
   */
  readonly lineage?: EventLineage | undefined;
}

/** One event of a `sendMany`. */
export type OutgoingEvent<C extends Contracts = AnyContracts> = {
  [K in EventName<C>]: { readonly type: K; readonly payload: C[K] } & SendOptions;
}[EventName<C>];

/** Options of `receive`. */
export interface ReceiveOptions<K extends string = string> {
  /** Types to read. @default every type */
  readonly eventTypes?: readonly K[] | undefined;
  /** Most events to return, at most 10,000. @default 100 */
  readonly limit?: number | undefined;
  /** Wait so long for a first event when there is none; keeps the process alive meanwhile. @default 0 */
  readonly waitMs?: number | undefined;
  /** Where this instance's reader begins, the first time it asks for these types. @default "beginning" */
  readonly from?: StartFrom | undefined;
  /** Ends the wait: the call rejects with its reason. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a group's `receive`. */
export interface GroupReceiveOptions {
  /** Most events to lease, at most 10,000. @default 100 */
  readonly limit?: number | undefined;
  /** How long to wait for a first event when there is none; keeps the process alive meanwhile. @default 0 */
  readonly waitMs?: number | undefined;
  /** @default the group's */
  readonly leaseMs?: number | undefined;
  /** Ends the wait: the call rejects with its reason, and nothing is leased. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `stream`. */
export interface StreamOptions<K extends string = string> {
  /** Types to read. @default every type */
  readonly eventTypes?: readonly K[] | undefined;
  /** @default "now" */
  readonly from?: StartFrom | undefined;
  /** Ends the stream, without an error. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Which part of the log `history` reads. */
export interface HistoryOptions<K extends string = string> {
  /** Types to read. @default every type */
  readonly eventTypes?: readonly K[] | undefined;
  /** Stored at or after this moment. @default no limit */
  readonly since?: Date | number | undefined;
  /** Stored before this moment. @default no limit */
  readonly until?: Date | number | undefined;
  /** Positions above this one. @default 0 */
  readonly after?: number | undefined;
  /** At most 100,000. @default 1000 */
  readonly limit?: number | undefined;
}

/** Counters and sizes of a queue, as of the call. */
export interface QueueStats {
  /** Events retained in the log. */
  readonly events: number;
  readonly oldestPosition: number | undefined;
  readonly newestPosition: number | undefined;
  /** Events that wait for their time (`delayMs`). */
  readonly delayed: number;
  readonly groups: number;
  readonly deadLetters: number;
  /** By this instance since it was opened. */
  readonly sent: number;
  /** Sends of this instance that added nothing. */
  readonly duplicates: number;
  /** Deliveries to this instance. */
  readonly received: number;
  /**
   * Events dropped by this instance, by reason: `retention` (too old, and settled by every group), `group-expired`
   * (pending in a group that expired), `skipped` (older than a group's `skipAfterMs`), `type-ended` (pending, and no
   * member wants the type any more), `missed` (pending in a group that nobody has served for its `holdMs`),
   * `dead-letter-retention` (dead letters that were kept for long enough), `id-taken` (refused at a send), or a
   * backend's own.
   */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Whether a queue can do its work now. */
export interface QueueHealth {
  /** Whether no problem is an `error`. */
  readonly ok: boolean;
  /** What is wrong and what to do. */
  readonly problems: readonly HealthProblem[];
  /** The backend and its version, e.g. `sqlite 3.53.3`. */
  readonly backend: string;
  /** What else the backend has to say: file sizes, journal mode, lag. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A consumer group: each event goes to every group, and within a group to one member at a time. */
export interface ConsumerGroup<
  C extends Contracts = AnyContracts,
  K extends EventName<C> = EventName<C>,
> {
  readonly name: string;
  /**
   * Makes the group now if it doesn't exist, so that it misses nothing sent from here on; states this handle's values,
   * and adds its types. Every other call does so too. Idempotent.
   *
   * @example (await queue.group("mailer", { from: "now" }).ensure()).created // true the first time
   *
   * @throws QueueError `GROUP_CONFIG_MISMATCH` when it exists with another policy and this handle says
   * `policy: "require"`, or is a node's; `GROUP_START_UNSTATED` as its options say
   */
  ensure(options?: EnsureOptions): Promise<EnsuredGroup>;
  /**
   * Leases events in position order; retries that are due come when their time has come. Never blocks longer than `waitMs`.
   *
   * @throws QueueError (rejects) `INVALID_OPTION`, `QUEUE_CLOSED`; `GROUP_REMOVED` when the group was there and is gone;
   * `GROUP_CONFIG_MISMATCH` as `ensure` does; or a backend's code
   */
  receive(options?: GroupReceiveOptions): Promise<LeasedEvent<C, K>[]>;
  /**
   * Starts a member that handles events until it is stopped. Returns at once. With a map of handlers it
   * handles exactly its types.
   *
   * @example queue.group("mailer").consume({ concurrency: 4 }, async (event) => { … })
   *
   * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`, `HANDLER_MISSING`, `QUEUE_CLOSED`
   */
  consume(alone: "Two arguments are needed: consume({}, handler)"): Consumer;
  consume(
    options: OptionsFirst & ConsumerOptions,
    handler: EventHandler<C, K> | EventHandlers<C>,
  ): Consumer;
}

declare const contracts: unique symbol;

/**
 * A durable, append-only log of events, read by named consumer groups.
 *
 * Delivery is at least once: after a crash or a lost lease an event comes again, with the same id and
 * `redelivered: true`. First deliveries of a group come in position order; a retry comes later. Nothing
 * is deduplicated by content. Constructing a queue does no I/O; the first call opens it.
 */
export interface EventQueue<C extends Contracts = AnyContracts> extends AsyncDisposable {
  /** Exists in types only: a typed queue may be passed as an untyped one, not as one of other payloads. */
  readonly [contracts]?: { readonly [K in keyof C]?: C[K] };

  /**
   * Stores one event; resolves when it is as durable as the queue promises. Sends of one turn of the
   * event loop may share a commit. Resolves to the stored event; when its id or dedupe key is known
   * already, to the one stored first, `duplicate: true`. A delayed one has position 0 and its `dueAt`. The payload is taken as it is at the call; an
   * `undefined` one is stored as `null`.
   *
   * @throws QueueError (rejects) `INVALID_TYPE`, `INVALID_OPTION`, `INVALID_HEADERS`, `PAYLOAD_*`, `ID_TAKEN`,
   * `QUEUE_CLOSED`, or a backend's code
   * @throws EnvelopeError (rejects) `INVALID_LINEAGE`
   */
  send<K extends EventName<C>>(
    type: K,
    payload: C[K],
    options?: SendOptions,
  ): Promise<QueueEvent<C, K>>;
  send<const S extends string>(
    type: Sendable<C, S>,
    payload: SendablePayload<C, S>,
    options?: SendOptions,
  ): Promise<QueueEvent<C>>;
  /**
   * Stores all or, when one is refused, nothing. Results are in the order given.
   *
   * @throws what `send` throws (rejects); the message names the event by its index
   */
  sendMany(events: readonly OutgoingEvent<C>[]): Promise<QueueEvent<C>[]>;

  /**
   * For scripts: every retained event at most once per instance and per type asked for, from the
   * beginning unless told otherwise. No leases, no acks, no effect on anyone. Each type has a cursor in
   * this instance, which moves only when it is asked for; asking for every type moves them all.
   *
   * @throws QueueError (rejects) `INVALID_OPTION`, `INVALID_TYPE`, `QUEUE_CLOSED`, or a backend's code
   * @throws EnvelopeError (rejects) `INVALID_START`, `INVALID_TIME`
   */
  receive<K extends EventName<C> = EventName<C>>(
    options?: ReceiveOptions<K> & { readonly group?: undefined },
  ): Promise<QueueEvent<C, K>[]>;
  /** The same as `group(name, policy).receive(…)`. */
  receive<K extends EventName<C> = EventName<C>>(
    options: ReceiveOptions<K> & GroupReceiveOptions & { readonly group: string },
  ): Promise<LeasedEvent<C, K>[]>;

  /**
   * A handle on a group; no I/O, the group is made by its first call.
   *
   * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
   * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
   */
  group<K extends EventName<C> = EventName<C>>(
    name: string,
    policy?: GroupPolicy<C, K>,
  ): ConsumerGroup<C, K>;
  /**
   * The same as `group(options.group, options).consume(options, handler)`.
   *
   * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`, `HANDLER_MISSING`, `QUEUE_CLOSED`
   * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
   */
  consume(alone: 'Two arguments are needed: consume({ group: "mailer" }, handler)'): Consumer;
  consume<K extends EventName<C> = EventName<C>>(
    options: OptionsFirst & ConsumeOptions<C, K>,
    handler: EventHandler<C, K> | EventHandlers<C>,
  ): Consumer;

  /**
   * Puts a middleware around the handlers of all consumers of this instance, those that run already included,
   * from the next delivery on. The first one added is the outermost. Returns what removes it.
   *
   * @throws QueueError `INVALID_OPTION`
   */
  use(middleware: ConsumerMiddleware<C>): () => void;

  /**
   * Follows the log: no group, no acks. Begins when it is called. Keeps the process alive until it ends.
   *
   * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`; `QUEUE_CLOSED` when it is read
   * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
   */
  stream<K extends EventName<C> = EventName<C>>(
    options?: StreamOptions<K>,
  ): AsyncIterableIterator<QueueEvent<C, K>> & AsyncDisposable;
  /**
   * Reads the log without any effect, in position order.
   *
   * @throws QueueError (rejects) `INVALID_OPTION`, `INVALID_TYPE`, `QUEUE_CLOSED`, or a backend's code
   * @throws EnvelopeError (rejects) `INVALID_TIME`
   */
  history<K extends EventName<C> = EventName<C>>(
    options?: HistoryOptions<K>,
  ): Promise<QueueEvent<C, K>[]>;

  readonly deadLetters: DeadLetters;
  readonly groups: Groups;

  /**
   * The id of this queue: made with the log, kept in it, and the same for all instances of all processes. Another queue
   * has another one; a copy of a file, or a backup, has that of its original. At most 40 letters, digits and `-`. Bridges
   * name it in the `via` of what they carry on.
   *
   * @example await queue.id() // "9f86d081884c7d659a2feaa0c55ad015"
   */
  id(): Promise<string>;

  stats(): Promise<QueueStats>;
  health(): Promise<QueueHealth>;
  /**
   * Stops this instance's consumers (waiting for running handlers), ends its streams, and then closes: calls
   * that wait, and all later ones, reject with `QUEUE_CLOSED`. What it leased and didn't settle runs out.
   * Idempotent.
   */
  close(): Promise<void>;
}
