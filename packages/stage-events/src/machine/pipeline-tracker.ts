import type { EventLineage } from "@ringrift/envelope";
import type { StageMeaning } from "../pipeline/phase.ts";
import type { IllegalReason, StageFailure } from "./machine.ts";

/** Where the pipeline of one key stands. */
export interface TrackedState<Phase extends string = string> {
  /** The phase that is running: the one whose completion comes next. Done: the one that it ended with. */
  readonly stage: Phase;
  readonly iteration: number;
  /** When it began, or failed, or was said to have started, or was done; milliseconds since the epoch. */
  readonly since: number;
  /** How long each phase took when it was last completed, in milliseconds. */
  readonly durations: Readonly<Partial<Record<Phase, number>>>;
  /** Whether it has been running for longer than its `stallAfterMs`. */
  readonly stalled: boolean;
  /** Why the phase, or the iteration before this one, did not succeed; gone at the next completion. */
  readonly failure: StageFailure | undefined;
  /** Whether it has ended, by what the pipeline calls `terminal`. It never stalls then. */
  readonly done: boolean;
}

/** A step that a pipeline took. `from` and `to` are the same for failures and for phases that run ahead. */
export interface Transition<Phase extends string = string> {
  readonly key: string;
  readonly from: Phase;
  readonly to: Phase;
  /** The iteration after the step. */
  readonly iteration: number;
  readonly meaning: StageMeaning;
  /** The stage that said so, in its own spelling; the topic of an event without a stage. */
  readonly stage: string;
  readonly event: EventLineage;
  /** Whether it was read from the bus's history: it happened before the tracker, or the process, began. */
  readonly replayed: boolean;
}

/** A step that the pipeline's order does not allow. It was taken all the same, unless it came late. */
export interface IllegalTransition<Phase extends string = string> extends Transition<Phase> {
  readonly reason: IllegalReason;
  readonly message: string;
}

/** A phase that has been running for too long. */
export interface Stall<Phase extends string = string> {
  readonly key: string;
  readonly stage: Phase;
  readonly iteration: number;
  readonly since: number;
  readonly failure: StageFailure | undefined;
  readonly message: string;
}

/** Why a key was dropped for another one: it was done anyway, or it moved longest ago of all. */
export type KeyDropReason = "done" | "running";

/** A key that was dropped because there were `maxKeys` already. */
export interface DroppedKey<Phase extends string = string> {
  readonly key: string;
  readonly reason: KeyDropReason;
  /** Where it stood. */
  readonly state: TrackedState<Phase>;
  readonly message: string;
}

/** What a tracker has seen. */
export interface TrackerStats {
  /** Keys that it knows now, done ones included. */
  readonly keys: number;
  readonly done: number;
  /** Steps taken, those read from the history included. */
  readonly transitions: number;
  readonly illegal: number;
  readonly stalls: number;
  /** Events that came again, and changed nothing. */
  readonly duplicates: number;
  /** Results of stages that are not part of the pipeline. */
  readonly outside: number;
  /** Failures and rejections without a stage that name no key: nobody knows whose they are. */
  readonly unmapped: number;
  /** Keys that were dropped for others; not those that were forgotten by `forget`. */
  readonly dropped: Readonly<Record<KeyDropReason, number>>;
}

/** Watches a pipeline, key by key. It changes nothing on the bus, and doesn't keep the process alive. */
export interface PipelineTracker<Phase extends string = string> extends Disposable {
  /** Where a key stands; `undefined` when nothing was heard of it, and when it was dropped or forgotten. */
  state(key: string): TrackedState<Phase> | undefined;
  /** All keys, in the order in which they were first heard of. */
  states(): ReadonlyMap<string, TrackedState<Phase>>;
  /**
   * Forgets a key and ends its timer; false when it isn't known. An event of it that comes later begins it
   * anew. Only this tracker forgets: another one still finds the key in the bus's history.
   */
  forget(key: string): boolean;
  stats(): TrackerStats;
  /** Ends its subscriptions and timers; the states stay readable. Idempotent; also as `using`. */
  stop(): void;
}
