import type { BusEvent, EventBus, Subscription } from "@ringrift/core-bus";
import type { AnyContracts, Contracts, EventLineage } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import { type Clock, systemClock } from "./clock.ts";
import { StageEventsError } from "../errors.ts";
import {
  firstState,
  type IllegalReason,
  type MachineState,
  type StageFailure,
  step,
} from "./machine.ts";
import { observeStages, observeTopics, readObservation } from "./observe.ts";
import type { StageMeaning } from "../phase.ts";
import type { Pipeline } from "../pipeline.ts";
import type { AnyStageResult } from "../result.ts";
import { type SelfplayPhase, selfplayPipeline } from "../selfplay-pipeline.ts";
import type { StageEventBus } from "../stage-bus.ts";

/** Where the pipeline of one key stands. */
export interface TrackedState<Phase extends string = string> {
  /** The phase that is running: the one whose completion comes next. */
  readonly stage: Phase;
  readonly iteration: number;
  /** When it began, or failed, or was said to have started; milliseconds since the epoch. */
  readonly since: number;
  /** How long each phase took when it was last completed, in milliseconds. */
  readonly durations: Readonly<Partial<Record<Phase, number>>>;
  /** Whether it has been running for longer than its `stallAfterMs`. */
  readonly stalled: boolean;
  /** Why the phase, or the iteration before this one, did not succeed; gone at the next completion. */
  readonly failure: StageFailure | undefined;
}

/** A step that a pipeline took. `from` and `to` are the same for failures and for phases that run ahead. */
export interface Transition<Phase extends string = string> {
  readonly key: string;
  readonly from: Phase;
  readonly to: Phase;
  /** The iteration after the step. */
  readonly iteration: number;
  readonly meaning: StageMeaning;
  /** The stage that said so, in its own spelling. */
  readonly stage: string;
  readonly event: EventLineage;
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

export interface TrackerOptions<Phase extends string = string> {
  /** @default the pipeline of the stage bus, else {@link selfplayPipeline} */
  readonly pipeline?: Pipeline<Contracts, Phase> | undefined;
  /** Longest time in each phase, in milliseconds; phases left out never stall. */
  readonly stallAfterMs?: Readonly<Partial<Record<NoInfer<Phase>, number>>> | undefined;
  readonly onTransition?: ((transition: Transition<Phase>) => void) | undefined;
  /** @default a process warning with code `RINGRIFT_PIPELINE_STALLED` */
  readonly onStall?: ((stall: Stall<Phase>) => void) | undefined;
  /** @default a process warning with code `RINGRIFT_PIPELINE_ILLEGAL` */
  readonly onIllegal?: ((illegal: IllegalTransition<Phase>) => void) | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

/** What a tracker has seen. */
export interface TrackerStats {
  readonly keys: number;
  readonly transitions: number;
  readonly illegal: number;
  readonly stalls: number;
  /** Events that came again with an id seen before, and changed nothing. */
  readonly duplicates: number;
  /** Results of stages that are not part of the pipeline. */
  readonly beside: number;
}

/** Watches a pipeline, key by key. It changes nothing on the bus, and doesn't keep the process alive. */
export interface PipelineTracker<Phase extends string = string> extends Disposable {
  /** Where a key stands; `undefined` when nothing was heard of it. */
  state(key: string): TrackedState<Phase> | undefined;
  /** All keys, in the order in which they were first heard of. */
  states(): ReadonlyMap<string, TrackedState<Phase>>;
  stats(): TrackerStats;
  /** Ends its subscriptions and timers; the states stay readable. Idempotent; also as `using`. */
  stop(): void;
}

/** A topic bus and the catalogue that says which of its topics are outcomes of stages. */
export interface TrackedTopics<C extends Contracts, Phase extends string> {
  readonly bus: EventBus<C>;
  readonly catalogue: AnyCatalogue;
  readonly pipeline?: Pipeline<Contracts, Phase> | undefined;
}

/**
 * Tracks where each key's pipeline stands: one explicit state machine per key. Illegal steps and stalls
 * are reported, never dropped. Over a stage bus it sees this process; over a topic bus also what
 * arrives from others.
 *
 * @throws StageEventsError `INVALID_OPTION`
 * @example
 * const tracker = trackPipeline(stages, { stallAfterMs: { training: 60_000 }, onStall: console.warn });
 * tracker.state("hex7_2p")?.stage; // "training"
 */
export function trackPipeline<C extends Contracts, Phase extends string>(
  source: StageEventBus<C, Phase>,
  options?: TrackerOptions<Phase>,
): PipelineTracker<Phase>;
export function trackPipeline<C extends Contracts, Phase extends string = SelfplayPhase>(
  source: TrackedTopics<C, Phase>,
  options?: TrackerOptions<Phase>,
): PipelineTracker<Phase>;
export function trackPipeline(
  source: StageEventBus | TrackedTopics<AnyContracts, string>,
  options: TrackerOptions = {},
): PipelineTracker {
  return new Tracker(source, options);
}

interface Tracked {
  state: MachineState;
  stalled: boolean;
  stopTimer: (() => void) | undefined;
}

const LONGEST = 2 ** 31 - 1;
const REMEMBERED_IDS = 1000;

class Tracker implements PipelineTracker {
  readonly #pipeline: Pipeline;
  readonly #options: TrackerOptions;
  readonly #clock: Clock;
  readonly #tracked = new Map<string, Tracked>();
  readonly #seen = new Set<string>();
  readonly #subscriptions: Subscription[];
  #transitions = 0;
  #illegal = 0;
  #stalls = 0;
  #duplicates = 0;
  #beside = 0;

  constructor(
    source: StageEventBus | TrackedTopics<AnyContracts, string>,
    options: TrackerOptions,
  ) {
    this.#pipeline = options.pipeline ?? source.pipeline ?? selfplayPipeline;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#checkStallAfter();
    const take = (result: AnyStageResult, event: BusEvent): void => this.#take(result, event);
    this.#subscriptions =
      "emit" in source
        ? observeStages(source.bus, take)
        : observeTopics(source.bus, source.catalogue, take);
  }

  state(key: string): TrackedState | undefined {
    const tracked = this.#tracked.get(key);
    return tracked && shown(tracked);
  }

  states(): ReadonlyMap<string, TrackedState> {
    return new Map([...this.#tracked].map(([key, tracked]) => [key, shown(tracked)]));
  }

  stats(): TrackerStats {
    return {
      keys: this.#tracked.size,
      transitions: this.#transitions,
      illegal: this.#illegal,
      stalls: this.#stalls,
      duplicates: this.#duplicates,
      beside: this.#beside,
    };
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription();
    for (const tracked of this.#tracked.values()) tracked.stopTimer?.();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #take(result: AnyStageResult, event: BusEvent): void {
    const now = this.#clock.now();
    const seen = readObservation(this.#pipeline, result, now);
    if (!seen) {
      this.#beside += 1;
      return;
    }
    if (!this.#isNew(event.id)) {
      this.#duplicates += 1;
      return;
    }
    const key = this.#pipeline.keyOf(result);
    const tracked = this.#tracked.get(key) ?? this.#begin(key, now);
    const before = tracked.state;
    const { state, illegal } = step(this.#pipeline, before, seen);
    tracked.state = state;
    if (state.stage !== before.stage || state.since !== before.since) this.#watch(key, tracked);
    const transition: Transition = {
      key,
      from: before.stage,
      to: state.stage,
      iteration: state.iteration,
      meaning: seen.meaning,
      stage: seen.stage,
      event,
    };
    if (illegal) {
      this.#illegal += 1;
      this.#reportIllegal({
        ...transition,
        reason: illegal,
        message: describeIllegal(transition, illegal, before, seen.iteration),
      });
    }
    if (illegal !== "late") {
      this.#transitions += 1;
      this.#options.onTransition?.(transition);
    }
  }

  /** Events come at least once; the same one again is no second step. */
  #isNew(id: string): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > REMEMBERED_IDS) {
      const [oldest] = this.#seen;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return true;
  }

  #begin(key: string, now: number): Tracked {
    const tracked: Tracked = {
      state: firstState(this.#pipeline, now),
      stalled: false,
      stopTimer: undefined,
    };
    this.#tracked.set(key, tracked);
    return tracked;
  }

  #watch(key: string, tracked: Tracked): void {
    tracked.stopTimer?.();
    tracked.stalled = false;
    const { stage, iteration, since, failure } = tracked.state;
    const limit = this.#options.stallAfterMs?.[stage];
    if (limit === undefined) {
      tracked.stopTimer = undefined;
      return;
    }
    tracked.stopTimer = this.#clock.after(limit, () => {
      tracked.stalled = true;
      this.#stalls += 1;
      const after = failure
        ? ` after "${failure.stage}" (${failure.error ?? "no error given"})`
        : "";
      this.#reportStall({
        key,
        stage,
        iteration,
        since,
        failure,
        message: `Pipeline "${key}" has been in "${stage}" of iteration ${iteration} for more than ${limit} ms${after}.`,
      });
    });
  }

  #reportIllegal(illegal: IllegalTransition): void {
    if (this.#options.onIllegal) this.#options.onIllegal(illegal);
    else
      process.emitWarning(illegal.message, {
        type: "PipelineWarning",
        code: "RINGRIFT_PIPELINE_ILLEGAL",
      });
  }

  #reportStall(stall: Stall): void {
    try {
      if (this.#options.onStall) {
        this.#options.onStall(stall);
        return;
      }
    } catch (cause) {
      // A timer has no caller: what is thrown here would end the process.
      process.emitWarning(`onStall itself failed: ${String(cause)}`, {
        type: "PipelineWarning",
        code: "RINGRIFT_PIPELINE_STALLED",
      });
    }
    process.emitWarning(stall.message, {
      type: "PipelineWarning",
      code: "RINGRIFT_PIPELINE_STALLED",
    });
  }

  #checkStallAfter(): void {
    for (const [phase, limit] of Object.entries(this.#options.stallAfterMs ?? {})) {
      if (!this.#pipeline.order.includes(phase)) {
        throw new StageEventsError(
          "INVALID_OPTION",
          `"stallAfterMs" names "${phase}", which is not a phase. The phases are ${this.#pipeline.order.join(", ")}.`,
        );
      }
      if (!(typeof limit === "number" && limit > 0 && limit <= LONGEST)) {
        throw new StageEventsError(
          "INVALID_OPTION",
          `"stallAfterMs.${phase}" is "${String(limit)}". Give milliseconds above 0, at most ${LONGEST}.`,
        );
      }
    }
  }
}

function shown({ state, stalled }: Tracked): TrackedState {
  const { stage, iteration, since, durations, failure } = state;
  return { stage, iteration, since, durations, stalled, failure };
}

const ADVICE: Readonly<Record<IllegalReason, string>> = {
  skipped: "An earlier phase is missing; it goes on from there.",
  repeated: "That phase was over; it goes on from there.",
  late: "That iteration is over; it changes nothing.",
  unfinished: "The present iteration was not finished; it goes on from there.",
};

function describeIllegal(
  { key, from, stage }: Transition,
  reason: IllegalReason,
  before: MachineState,
  iteration: number | undefined,
): string {
  const which = iteration === undefined ? "" : ` of iteration ${iteration}`;
  return `Pipeline "${key}" stood in "${from}" of iteration ${before.iteration} when "${stage}"${which} came. ${ADVICE[reason]}`;
}
