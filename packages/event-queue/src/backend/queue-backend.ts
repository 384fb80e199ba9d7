import type { StartFrom } from "@ringrift/envelope";
import type { Backlog } from "../sending/backlog-gate.ts";
import type { Bell } from "../reading/bell.ts";
import type { QueueStats } from "../contract/event-queue.ts";
import type { DeadLetterNotice } from "../failures/dead-letter-notices.ts";
import type { DeadLetter } from "../contract/dead-letters.ts";
import type { StoredEvent } from "../contract/events.ts";
import type {
  CheckedGroupChange,
  GivenGroupPolicy,
  StoredGroupPolicy,
} from "../checking/group-policy.ts";
import type { EnsuredGroup, GroupInfo } from "../contract/groups.ts";
import type { HealthProblem } from "../failures/health-problem.ts";
import type { LeaseOperations } from "../leasing/leased-record.ts";
import type { Taken } from "../reading/long-poll.ts";
import type { OutgoingRecord } from "../sending/outgoing.ts";
import type { LogPage, LogQuery } from "../reading/instance-reader.ts";
import type {
  DeadLetterRequest,
  GroupReceiveRequest,
  HistoryRequest,
} from "../reading/requests.ts";
import type { MigrationBackend } from "./migration-backend.ts";

/** How a backend is opened, and what is known of it before it is. */
export interface BackendKind<B extends QueueBackend = QueueBackend> {
  /** E.g. `sqlite`: what `health()` says while the queue can't be opened. */
  readonly name: string;
  /** See `LeaseSource.claimsCommit`. */
  readonly claimsCommit: boolean;
  /**
   * Whether `close` of the backend lets the appends and the lease calls finish that are under way, and nothing has to
   * keep the process alive for them. Otherwise each of them is tracked, which costs a promise.
   */
  readonly closeFlushes: boolean;
  /**
   * Opens the log. Called by the first call of an instance, and again by the next one after it has rejected; never
   * twice at once, and never again once it has resolved.
   */
  open(host: BackendHost): Promise<B>;
}

/** What an instance gives to its backend. */
export interface BackendHost {
  /**
   * The backend rings it when the log may have grown or a group may have something to give, whoever did it: this
   * instance, or another process. Closed by the instance.
   */
  readonly bell: Pick<Bell, "ring" | "close">;
  /** Aborted when the instance no longer waits for anything: waits inside the backend end with `QUEUE_CLOSED`. */
  readonly ending: AbortSignal;
  /**
   * Counts work that the backend does by itself as a call of the instance: refused (`QUEUE_CLOSED`) when that is
   * closed, and waited for by `close`. It doesn't keep the process alive.
   */
  readonly inBackground: <T>(work: () => Promise<T>) => Promise<T>;
  /** Counts dropped events for `stats().dropped`. */
  readonly onDropped: (reason: string, count: number) => void;
  /** An event that can't be read and was skipped; each position is counted once. */
  readonly onCorrupt: (position: number) => void;
  /** An event became a dead letter by a call of this instance, and is stored as one. */
  readonly onDeadLetter: (notice: DeadLetterNotice) => void;
  /** Something that no call of a user can be rejected with. Reported unless the instance is closed. */
  readonly onError: (error: unknown) => void;
}

/** A lease as the backend made it; each call but `release` resolves to `false` when the lease was lost. */
export interface BackendLease extends LeaseOperations {
  /** Gives the event back unbegun: it is due at once, and the attempt isn't counted. */
  release(): Promise<unknown>;
}

/** One leased event. */
export interface ClaimedEvent {
  readonly event: StoredEvent;
  readonly lease: BackendLease;
  /** End of the lease, in ms since the epoch. */
  readonly until: number;
}

/** What a member asks for. */
export interface MemberRequest extends GroupReceiveRequest {
  /** See `LeaseSource.receive`; 0 unless the backend says `claimsCommit`. */
  readonly ahead: number;
}

/** What a member is made with. */
export interface MemberOptions {
  readonly name: string;
  readonly given: GivenGroupPolicy;
  /** It is there until it leaves, also while it asks for nothing. Others are, while they ask and settle. */
  readonly stays: boolean;
}

/** A member of a group. Made without any I/O; the group is made by the member's first call. */
export interface GroupMember {
  /** What holds for this member: what it states, and what is stored for the rest. `undefined` until a call has told. */
  readonly policy: StoredGroupPolicy | undefined;
  /**
   * Makes the group unless it exists, stores what this member states, and adds its types.
   *
   * @throws QueueError (rejects) `GROUP_CONFIG_MISMATCH`, `GROUP_START_UNSTATED`
   */
  ensure(request: { readonly requireFrom: boolean }): Promise<EnsuredGroup>;
  /**
   * Leases up to `limit` events in position order. It may wait for a first one up to `waitMs` itself; a backend that
   * can't, gives back an empty array at once, with `retryInMs` if it knows when something falls due, and is asked again
   * then or when the bell rings. What it leased while the signal was aborted is released by the caller. The first call
   * joins the group. None is of a type that this member doesn't handle.
   *
   * @throws QueueError (rejects) `GROUP_CONFIG_MISMATCH`; `GROUP_REMOVED` when the group it joined is gone
   */
  claim(request: MemberRequest): Promise<Taken<ClaimedEvent>>;
  /** It asks for nothing any more: what only it wants has nobody from now on. */
  leave(): Promise<void>;
}

/** Who has a name. */
export interface NameHolder {
  readonly holder: string;
  /** The note that is kept with the name, as it was given to `releaseName`. */
  readonly note: string | undefined;
}

/** The groups of a log. Names are checked already. */
export interface BackendGroups {
  /** All of them, by name. */
  list(): Promise<GroupInfo[]>;
  /** @throws QueueError (rejects) `GROUP_NOT_FOUND` */
  seek(name: string, from: StartFrom): Promise<GroupInfo>;
  /** Rings, so that members that wait learn of it. */
  remove(name: string): Promise<boolean>;
  /** @throws QueueError (rejects) `GROUP_NOT_FOUND` */
  configure(name: string, change: CheckedGroupChange): Promise<GroupInfo>;
  /**
   * Takes or prolongs the claim on a name, unless somebody else has it; resolves to whoever has it then. A group of that
   * name that wants every type is a reading group from then on, also when it is made later.
   */
  takeName(
    name: string,
    claim: { readonly holder: string; readonly ttlMs: number },
  ): Promise<NameHolder>;
  /**
   * Gives the claim up if this holder has it. A note takes the place of the one that is there; it outlives the claim,
   * and goes with the group.
   */
  releaseName(name: string, holder: string, note: string | undefined): Promise<void>;
  /**
   * The group that has the most still to settle, of those that hold senders back: all but reading groups that nobody
   * holds. It may stop counting at `enough`.
   */
  furthestBehind(enough: number): Promise<Backlog | undefined>;
}

/** The dead letters of a log, oldest first. */
export interface BackendDeadLetters {
  list(request: DeadLetterRequest): Promise<DeadLetter[]>;
  count(request: DeadLetterRequest): Promise<number>;
  /** Each gives back or forgets up to `limit` letters, in one step of a size it chooses; how many it took. */
  redrive(request: DeadLetterRequest, limit: number): Promise<number>;
  discard(request: DeadLetterRequest, limit: number): Promise<number>;
}

/** What a health check has found so far; a backend adds to it. */
export interface HealthReport {
  /** The backend and its version. */
  backend: string;
  readonly problems: HealthProblem[];
  /** By group: how long ago the oldest event was stored that it has still to settle, where that is known. */
  readonly ages: Map<string, number>;
  readonly details: Record<string, unknown>;
}

/** The counters that belong to the log and not to an instance. */
export type LogStats = Omit<QueueStats, "sent" | "duplicates" | "received" | "dropped">;

/**
 * What a log has to do to become an {@link EventQueue}: `BackedQueue` does the rest. Every argument is checked
 * already. Calls overlap. None comes before `open` has resolved, nor after `close` was called; `docs/writing-a-backend.md`
 * says in which order they come.
 */
export interface QueueBackend {
  /**
   * 32 random bytes that are part of the log: made once, the same for all instances for as long as there is the log.
   * Whoever may not read the log's own state must not know them: the ids of handlers' children are made with them.
   */
  readonly secret: Uint8Array;
  /**
   * Stores all or nothing, and resolves when they are as durable as the queue promises; in the order given. `position`
   * is 0 while it isn't known. A record whose dedupe key is known for its type, or else whose id is known, is answered
   * by the event stored first, `duplicate: true`.
   *
   * @throws QueueError (rejects) `ID_TAKEN` when the event that has the id is another one: see `requireSameEvent`
   */
  append(records: readonly OutgoingRecord[]): Promise<StoredEvent[]>;
  read(query: LogQuery): Promise<LogPage>;
  history(request: HistoryRequest): Promise<StoredEvent[]>;
  /** The position after which reading begins. Looked at when it is called, so that `now` is the moment of the call. */
  startAfter(from: StartFrom): Promise<number>;
  /** Begins to ring the bell for what others store. Called before a reader waits; idempotent. */
  listen(): Promise<void>;
  member(options: MemberOptions): GroupMember;
  readonly groups: BackendGroups;
  readonly deadLetters: BackendDeadLetters;
  /** What `migrateQueue` needs. Without it a queue is refused there (`MIGRATION_UNSUPPORTED`). */
  readonly migration?: MigrationBackend;
  /** See `newQueueId`. It is kept with the log, for all instances and for as long as the log is there. */
  id(): Promise<string>;
  stats(): Promise<LogStats>;
  /** Adds what it finds; what it rejects with is a problem too. */
  health(report: HealthReport): Promise<void>;
  /** Whether calls are under way that keep the process alive. For backends whose sockets don't by themselves. */
  hold?(isHeld: boolean): void;
  /** Ends it. No call is under way any more, but `inBackground` work may still be asked for, and is refused. */
  close(): Promise<void>;
}
