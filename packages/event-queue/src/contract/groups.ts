import type { AnyContracts, Contracts, EventName, StartFrom } from "@ringrift/envelope";

/** Pause before a retry: `initialMs · factor^(attempt − 1)`, at most `maxMs`, spread by `jitter`. */
export interface Backoff {
  /** @default 100 */
  readonly initialMs?: number;
  /** @default 60_000 */
  readonly maxMs?: number;
  /** @default 2 */
  readonly factor?: number;
  /** Share of the pause that is random, 0 to 1. @default 0.2 */
  readonly jitter?: number;
}

/**
 * What a member asks of a group. Groups follow the code that is deployed: a value that a member states holds for the
 * events that this member handles, and is stored; for one that it leaves out, what is stored holds, which is the last
 * one stated (a change is reported, `GROUP_POLICY_CHANGED`). The group wants the types that its live members want.
 * `from` counts only for a group that doesn't exist: an existing one goes on at its cursor, and `ensure()` says so
 * (`created: false`).
 */
export interface GroupPolicy<
  C extends Contracts = AnyContracts,
  K extends EventName<C> = EventName<C>,
> {
  /**
   * Types this member has handlers for; it gets no others. The group wants the union of what its live members want. A
   * type begins at the end of the log of the moment when it was first wanted. It ends when members are there of which
   * none has wanted it for 60 s: what was pending of it is skipped, counted and reported (`GROUP_TYPE_ENDED`).
   * @default what the group wants; every type in a new group
   */
  readonly eventTypes?: readonly K[] | undefined;
  /** Where a new group starts. @default "beginning" */
  readonly from?: StartFrom | undefined;
  /** Deliveries before an event becomes a dead letter. @default 5 */
  readonly maxAttempts?: number | undefined;
  /** The pause before each retry. @default 100 ms, doubled each time, at most 60 s */
  readonly backoff?: Backoff | undefined;
  /** How long a member holds an event without renewing. @default 30_000 */
  readonly leaseMs?: number | undefined;
  /**
   * A group that nobody served for so long expires: it is removed as by `groups.remove`, and what it had
   * pending is counted in `stats().dropped["group-expired"]` and reported (`GROUP_EXPIRED`). A work group with anything
   * pending or dead doesn't expire. @default 604_800_000 (7 days)
   */
  readonly expireAfterMs?: number | undefined;
  /**
   * A group that nobody served for so long no longer holds back retention. What it misses then is counted in its
   * `skipped` and in `stats().dropped.missed`, and reported (`GROUP_MISSED`). @default 2_592_000_000 (30 days)
   */
  readonly holdMs?: number | undefined;
  /**
   * Events that the group hasn't settled so long after they were stored are skipped, unless a member has them just
   * then: for a group that is better late with nothing than late with everything. They are counted in the group's
   * `skipped` and in `stats().dropped.skipped`, and reported as a process warning (`GROUP_SKIPPED`). Looked at as
   * often as retention is: at most a minute later. @default never
   */
  readonly skipAfterMs?: number | undefined;
  /**
   * `"require"`: a member whose values differ from those that are stored, or whose types from those that the group
   * wants, is refused (`GROUP_CONFIG_MISMATCH`). @default "follow"
   */
  readonly policy?: "follow" | "require" | undefined;
}

/** What `groups.configure` changes. Members that state a value go on with theirs, and the next one to join states it anew. */
export interface GroupChange {
  readonly maxAttempts?: number | undefined;
  readonly backoff?: Backoff | undefined;
  readonly leaseMs?: number | undefined;
  readonly expireAfterMs?: number | undefined;
  readonly holdMs?: number | undefined;
  /** `null` for never. */
  readonly skipAfterMs?: number | null | undefined;
  /** `null` for no limit. */
  readonly handlerTimeoutMs?: number | null | undefined;
  /** While it is paused, no member is given an event; what they have, they settle. */
  readonly paused?: boolean | undefined;
}

/** A group as `groups.list()` and `ensure()` show it. */
export interface GroupInfo {
  readonly name: string;
  /**
   * A group whose name was claimed is its holder's reading group, if it reads every type: a node's. All others are work
   * groups.
   */
  readonly kind: "work" | "reader";
  /** Types it wants; `undefined` for all. */
  readonly eventTypes: readonly string[] | undefined;
  /** Everything up to this position has been claimed at least once, or waits for an earlier event of its key. */
  readonly cursor: number;
  /** Events it has still to settle: not yet claimed, leased or waiting for a retry. Dead letters are not. */
  readonly pending: number;
  /**
   * There are more pending than counted. Of groups of some types a backend may count no more than 10,000; of a group of
   * all types `pending` is exact up to 100,000 that it has passed and not settled. @default false
   */
  readonly pendingIsAtLeast?: true | undefined;
  /** Of these, leased right now. On NATS a lease of a process that was killed counts until somebody asks for events. */
  readonly inFlight: number;
  /** Of these, failed before and waiting for their next attempt; also those whose lease has run out. */
  readonly retrying: number;
  /** Of these, set aside until a member comes that has a handler for them: how many of which type. */
  readonly setAside: Readonly<Record<string, number>>;
  /** Its dead letters. */
  readonly deadLetters: number;
  /** When a member last asked for events or settled one, in ms since the epoch. */
  readonly lastServedAt: number;
  readonly maxAttempts: number;
  readonly leaseMs: number;
  readonly expireAfterMs: number;
  /** `undefined` for never. */
  readonly skipAfterMs: number | undefined;
  readonly holdMs: number;
  /** For members that don't state it; `undefined` for no limit. */
  readonly handlerTimeoutMs: number | undefined;
  /** By `groups.configure`. */
  readonly paused: boolean;
  /** Events it was made to skip, in all: because of `skipAfterMs`, because nobody wanted their type, or by `holdMs`. */
  readonly skipped: number;
  readonly backoff: Required<Backoff>;
  /** Who claimed the group for itself, if anybody. */
  readonly claimedBy: string | undefined;
}

/** What `ensure` is asked for. */
export interface EnsureOptions {
  /**
   * Refuse to make a group without `from` while the log holds events that it would get (`GROUP_START_UNSTATED`): whether
   * these are to be handled is for its maker to say. @default false
   */
  readonly requireFrom?: boolean | undefined;
}

/** What `ensure` gives. */
export interface EnsuredGroup extends GroupInfo {
  /** Whether this call made the group. `false`: it existed, and `from` was ignored. */
  readonly created: boolean;
}

/** What a claim is made with. */
export interface ClaimOptions {
  /** Who claims: any text that tells holders apart, e.g. a node id. */
  readonly holder: string;
  /** The claim ends so long after its last renewal. @default 10_000 */
  readonly ttlMs?: number | undefined;
}

/** What a claim is given up with. */
export interface ReleaseOptions {
  /** JSON of at most 64 KiB for whoever claims the name next. @default the note that is there */
  readonly note?: unknown;
}

/**
 * The right to a group's name: how a named node holds it. A convention among those who claim; nothing else
 * is refused to others.
 */
export interface GroupClaim {
  readonly group: string;
  readonly holder: string;
  /**
   * What an earlier holder left with its release; `undefined` when nobody left anything. It stays until another one is
   * left or the group is removed, however holders end in between.
   */
  readonly note: unknown;
  /** Prolongs the claim by its ttl. `false` when somebody else holds it now. */
  renew(): Promise<boolean>;
  /**
   * Gives it up; idempotent. A note that is left with it is given to the next holders; without one, the note stays
   * as it is. Nothing changes when somebody else holds the claim now.
   *
   * @throws QueueError (rejects) `INVALID_OPTION`; `PAYLOAD_*` for a note that isn't JSON, or longer than 64 KiB
   * @example await claim.release({ note: { upTo: 4711 } }) // the next claim has it as its `note`
   */
  release(options?: ReleaseOptions): Promise<void>;
}

/** Administration of consumer groups. */
export interface Groups {
  /** All groups, by name. Counts are exact at the time of the call, unless `pendingIsAtLeast`. */
  list(): Promise<GroupInfo[]>;
  /**
   * Moves a group's cursor; its leases and retries are dropped, its dead letters kept.
   *
   * @throws QueueError `GROUP_NOT_FOUND`
   */
  seek(name: string, from: StartFrom): Promise<GroupInfo>;
  /**
   * Removes a group with its cursor, retries and dead letters. `false` when there was none. Its running members are told
   * (`GROUP_REMOVED`), and end.
   */
  remove(name: string): Promise<boolean>;
  /**
   * Changes what is stored with a group, by hand.
   *
   * @example await queue.groups.configure("mailer", { paused: true })
   *
   * @throws QueueError `GROUP_NOT_FOUND`, `INVALID_OPTION`
   */
  configure(name: string, change: GroupChange): Promise<GroupInfo>;
  /**
   * Claims a group for one holder; the group needn't exist. The same holder may claim again. A claim whose holder is known to be dead (a process of this machine
   * that has ended) is taken over at once, others when they run out.
   *
   * @throws QueueError `GROUP_CLAIMED` with the holder's name while somebody else holds it
   */
  claim(name: string, options: ClaimOptions): Promise<GroupClaim>;
}
