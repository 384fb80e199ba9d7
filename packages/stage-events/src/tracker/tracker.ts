import type { BusEvent, EventBus, Subscription } from "@ringrift/core-bus";
import type { AnyContracts, Contracts } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type SelfplayPhase, selfplayPipeline } from "../pipeline/selfplay-pipeline.ts";
import type { StageEventBus } from "../bus/stage-bus.ts";
import { type Clock, systemClock } from "../machine/clock.ts";
import { describeDropped, describeIllegal, describeStall } from "./describe.ts";
import { KeyTable } from "../keys/key-table.ts";
import { firstState, step } from "../machine/machine.ts";
import { type Sighting, type Source, stageSource, topicSource } from "./observe.ts";
import { readMaxKeys, type TrackerOptions } from "./options.ts";
import type {
  DroppedKey,
  KeyDropReason,
  PipelineTracker,
  TrackedState,
  TrackerStats,
  Transition,
} from "../machine/pipeline-tracker.ts";
import { type Told, TrackerReports } from "./reports.ts";
import { SeenEvents } from "../keys/seen-events.ts";
import { TrackedKey } from "../keys/tracked-key.ts";

/** For compile messages: the options of a tracker, among the things that it tracks by mistake. */
type OptionsComeSecond = {
  readonly [
    Name in Exclude<keyof TrackerOptions, "pipeline">
  ]?: `Options come second: trackPipeline(source, { ${Name} })`;
};

/** A topic bus and the catalogue that says which of its topics are outcomes of stages. */
export interface TrackedTopics<
  C extends Contracts,
  Phase extends string,
> extends OptionsComeSecond {
  readonly bus: EventBus<C>;
  readonly catalogue: AnyCatalogue;
  readonly pipeline?: Pipeline<Contracts, Phase> | undefined;
}

/**
 * Tracks where each key's pipeline stands: one explicit state machine per key. Illegal steps and stalls
 * are reported, never dropped. Over a stage bus it sees this process; over a topic bus also what
 * arrives from others. It begins with what the bus's history holds, and takes in what a coordinator puts
 * there later (`catchUp: { history: true }`).
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
  const pipeline = options.pipeline ?? source.pipeline ?? selfplayPipeline;
  const from =
    "emit" in source
      ? stageSource(source.bus, pipeline)
      : topicSource(source.bus, source.catalogue, pipeline);
  return new Tracker(from, pipeline, options);
}

/** How long a phase goes untold that is overdue already when an event of the past says that it began. */
const GRACE_MS = 100;

class Tracker implements PipelineTracker {
  readonly #source: Source;
  readonly #pipeline: Pipeline;
  readonly #stallAfterMs: Readonly<Partial<Record<string, number>>>;
  readonly #clock: Clock;
  readonly #keys: KeyTable<TrackedKey>;
  readonly #seen = new SeenEvents();
  readonly #reports: TrackerReports;
  readonly #subscriptions: Subscription[];
  readonly #remember = (event: BusEvent): void => this.#takePast(event);
  /** Whether past events are being taken in this turn. */
  #catchingUp = false;
  /** Whether the history may have begun in the middle, also for keys that are not in it. */
  #isCutOff = false;
  #transitions = 0;
  #illegal = 0;
  #stalls = 0;
  #duplicates = 0;
  #outside = 0;
  #unmapped = 0;
  readonly #dropped: Record<KeyDropReason, number> = { done: 0, running: 0 };

  constructor(source: Source, pipeline: Pipeline, options: TrackerOptions) {
    this.#source = source;
    this.#pipeline = pipeline;
    this.#keys = new KeyTable(readMaxKeys(options, pipeline));
    this.#stallAfterMs = options.stallAfterMs ?? {};
    this.#clock = options.clock ?? systemClock;
    this.#reports = new TrackerReports(options);
    const { bus, topics } = source;
    this.#subscriptions = topics.map((topic) =>
      bus.subscribe(topic, (event) => this.#take(event, false), {
        name: "pipeline tracker",
        tap: true,
      }),
    );
    const past = bus.getHistory({ limit: Number.POSITIVE_INFINITY });
    for (const event of past.toReversed()) this.#takePast(event);
    if (this.#catchingUp) this.#noteCutOff();
    bus.signals.on("remembered", this.#remember);
  }

  state(key: string): TrackedState | undefined {
    return this.#keys.get(key)?.shown();
  }

  states(): ReadonlyMap<string, TrackedState> {
    return new Map(this.#keys.entries().map(([key, tracked]) => [key, tracked.shown()]));
  }

  forget(key: string): boolean {
    const tracked = this.#keys.get(key);
    if (!tracked) return false;
    tracked.stopTimer();
    this.#keys.delete(key);
    return true;
  }

  stats(): TrackerStats {
    return {
      keys: this.#keys.size,
      done: this.#keys.done,
      transitions: this.#transitions,
      illegal: this.#illegal,
      stalls: this.#stalls,
      duplicates: this.#duplicates,
      outside: this.#outside,
      unmapped: this.#unmapped,
      dropped: { ...this.#dropped },
    };
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription();
    this.#source.bus.signals.off("remembered", this.#remember);
    for (const [, tracked] of this.#keys.entries()) tracked.stopTimer();
    this.#seen.clear();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #takePast(event: BusEvent): void {
    if (!this.#source.wants(event.topic)) return;
    this.#take(event, true);
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    // Whoever makes a tracker has it by then, and a history is filled in one turn.
    queueMicrotask(() => {
      this.#catchingUp = false;
      this.#noteCutOff();
      this.#reports.flush();
    });
  }

  #noteCutOff(): void {
    const { size, capacity } = this.#source.bus.stats().history;
    this.#isCutOff ||= size >= capacity;
  }

  #take(event: BusEvent, replayed: boolean): void {
    const seen = this.#source.read(event);
    if (seen === "outside") this.#outside += 1;
    else if (seen === "unmapped") {
      this.#unmapped += 1;
      this.#reports.unmapped(event.topic);
    } else if (this.#seen.has(event, this.#keys.get(seen.key)?.heard)) this.#duplicates += 1;
    else {
      const told = this.#step(seen, event, replayed);
      if (replayed) this.#reports.tellLater(told);
      else this.#reports.tell(told);
    }
  }

  #step(seen: Sighting, event: BusEvent, replayed: boolean): Told {
    const { key } = seen;
    const known = this.#keys.get(key);
    const dropped = known ? undefined : this.#makeRoom();
    const now = this.#clock.now();
    const isPast = replayed || event.redelivered === true;
    const time = isPast ? Math.min(event.time, now) : now;
    const tracked = known ?? this.#begin(key, time, isPast);
    this.#seen.add(event, tracked.heard);
    const before = tracked.state;
    const stale = tracked.isStale(event, replayed);
    const { state, illegal: reason } = step(this.#pipeline, before, {
      ...seen,
      stale,
      time: Math.max(time, known ? before.since : time),
    });
    tracked.hear(event, replayed);
    tracked.state = state;
    if (reason !== "late") this.#keys.moved(key);
    if (state.stage !== before.stage || state.since !== before.since || state.run !== before.run) {
      this.#watch(key, tracked);
    }
    const transition: Transition = {
      key,
      from: before.stage,
      to: state.stage,
      iteration: state.iteration,
      meaning: seen.meaning,
      stage: seen.stage,
      event,
      replayed,
    };
    if (reason !== "late") this.#transitions += 1;
    if (reason) this.#illegal += 1;
    return {
      dropped,
      illegal: reason && {
        ...transition,
        reason,
        message: describeIllegal(transition, reason, { before, iteration: seen.iteration }),
      },
      transition: reason === "late" ? undefined : transition,
    };
  }

  #begin(key: string, time: number, isPast: boolean): TrackedKey {
    // What happened before an event of the past may have been told to a process before this one.
    const isNew = !isPast && !this.#isCutOff && !this.#keys.hasLeft(key);
    const tracked = new TrackedKey(firstState(this.#pipeline, time, isNew ? "unheard" : "unknown"));
    this.#keys.add(key, tracked);
    return tracked;
  }

  #makeRoom(): DroppedKey | undefined {
    const key = this.#keys.nextToLeave;
    const leaving = key === undefined ? undefined : this.#keys.get(key);
    if (key === undefined || !leaving) {
      this.#reports.hasRoom();
      return undefined;
    }
    const reason = leaving.isDone ? "done" : "running";
    const state = leaving.shown();
    this.forget(key);
    this.#dropped[reason] += 1;
    if (reason === "done") this.#reports.hasRoom();
    return { key, reason, state, message: describeDropped(key, state, this.#keys.size + 1) };
  }

  #watch(key: string, tracked: TrackedKey): void {
    tracked.stopTimer();
    tracked.isOverdue = false;
    const { stage, since } = tracked.state;
    const limit = this.#stallAfterMs[stage];
    if (limit === undefined || tracked.isDone) return;
    const left = since + limit - this.#clock.now();
    tracked.isOverdue = left <= 0;
    // It may have been ended by an event of the past that comes next.
    const waitMs = Math.min(limit, left > 0 ? left : GRACE_MS);
    tracked.timer = this.#clock.after(waitMs, () => {
      tracked.isOverdue = true;
      this.#stalls += 1;
      this.#reports.stall(describeStall(key, tracked.state, limit));
    });
  }
}
