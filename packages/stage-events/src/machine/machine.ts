import type { StageMeaning } from "../pipeline/phase.ts";

/**
 * The state machine of one key, as a pure function: a state and what was observed give the next state.
 *
 *     phase 1 ─completed→ phase 2 ─completed→ … last phase ─completed→ phase 1 of the next iteration
 *        └─failed→ the same phase, failed: it or an earlier one may be done again
 *     any phase ─rejected→ phase 1 of the next iteration
 *     any phase ─what ends the pipeline→ done, until an iteration of a higher number begins
 *
 * What arrives is a fact, so an illegal step is taken too, and reported.
 */

/**
 * How much of a key's run is known: `unheard`, it begins now; `unknown`, it began before anything was
 * heard of it; `guessed`, and what was heard since doesn't say where it stands; `running`; `done`.
 */
export type Run = "unheard" | "unknown" | "guessed" | "running" | "done";

/** Why a phase, or the iteration before this one, did not succeed. */
export interface StageFailure {
  /** The stage that said so, in its own spelling. */
  readonly stage: string;
  readonly error: string | undefined;
  /** True when it was turned down rather than broken. */
  readonly rejected: boolean;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Where one key stands. */
export interface MachineState<Phase extends string = string> {
  readonly stage: Phase;
  readonly iteration: number;
  readonly since: number;
  readonly durations: Readonly<Record<string, number>>;
  readonly failure: StageFailure | undefined;
  /** Whether the iteration's number was said by an event, or is one more than the last. */
  readonly numbered: boolean;
  readonly run: Run;
  /** Phases that have been completed, in this iteration or in one before. */
  readonly passed: ReadonlySet<Phase>;
  /** Completions of continuous phases that no iteration has used yet. */
  readonly ahead: Readonly<Record<string, number>>;
}

/** The rules of a pipeline. */
export interface MachineRules<Phase extends string = string> {
  readonly order: readonly Phase[];
  readonly continuous: ReadonlySet<Phase>;
}

/** What an event says. */
export interface Observation<Phase extends string = string> {
  /** `undefined`: the phase that is running. */
  readonly phase: Phase | undefined;
  readonly meaning: StageMeaning;
  readonly stage: string;
  readonly iteration: number | undefined;
  readonly error: string | undefined;
  /** Whether it ends the pipeline. */
  readonly ends: boolean;
  /** When it was observed, in milliseconds since the epoch. */
  readonly time: number;
  /** Whether it comes out of order: it happened before a step that was taken already. */
  readonly stale: boolean;
}

/**
 * What is wrong with a step: `skipped`, an earlier phase is missing; `repeated`, the phase was over;
 * `late`, what it belongs to is over, and it changes nothing; `unfinished`, it belongs to a later iteration;
 * `unknown`, what came before it was not heard, which says nothing about whether it happened.
 */
export type IllegalReason = "skipped" | "repeated" | "late" | "unfinished" | "unknown";

/** The next state, and what was wrong with the way there. */
export interface Step<Phase extends string = string> {
  readonly state: MachineState<Phase>;
  readonly illegal: IllegalReason | undefined;
}

/** Where a key begins that nobody has heard of, or of whose beginning nobody has. */
export function firstState<Phase extends string>(
  rules: MachineRules<Phase>,
  time: number,
  run: "unheard" | "unknown",
): MachineState<Phase> {
  return {
    stage: rules.order[0]!,
    iteration: 1,
    since: time,
    durations: {},
    failure: undefined,
    numbered: false,
    run,
    passed: new Set(),
    ahead: {},
  };
}

/** Takes one observation. */
export function step<Phase extends string>(
  rules: MachineRules<Phase>,
  before: MachineState<Phase>,
  seen: Observation<Phase>,
): Step<Phase> {
  if (before.run !== "done") return stepOn(rules, before, seen);
  const { phase, iteration, meaning, time } = seen;
  if (phase !== undefined && rules.continuous.has(phase)) {
    // It goes on next to a run that is over, and counts for the next.
    const ahead = meaning === "completed" ? count(before.ahead, phase, 1) : before.ahead;
    return { state: { ...before, ahead }, illegal: undefined };
  }
  if (iteration === undefined || iteration <= before.iteration) {
    return { state: before, illegal: "late" };
  }
  const next = { ...before, run: "running", iteration, numbered: true } as const;
  return stepOn(rules, begin(rules, next, time), seen);
}

function stepOn<Phase extends string>(
  rules: MachineRules<Phase>,
  before: MachineState<Phase>,
  seen: Observation<Phase>,
): Step<Phase> {
  const phase = seen.phase ?? before.stage;
  const { state, illegal } = numberIteration(rules, before, seen);
  // An event of an iteration that is over changes nothing about the present one.
  if (illegal === "late") return { state: before, illegal };
  const here = rules.order.indexOf(state.stage);
  const there = rules.order.indexOf(phase);

  if (there < here && rules.continuous.has(phase)) {
    if (seen.meaning !== "completed") return { state, illegal };
    return { state: { ...state, ahead: count(state.ahead, phase, 1) }, illegal };
  }
  // What is known by now is newer: it must not be set back.
  if (seen.stale && (there < here || seen.meaning !== "completed")) {
    return { state: before, illegal: "late" };
  }
  const wrong = illegal ?? judge(rules, state, phase);
  // Nobody knows when a phase began that is heard of at its end only.
  const isFirst = state.run === "unheard" || state.run === "unknown";
  const since = there === here && !isFirst ? state.since : undefined;
  const run = runAfter(rules, state, seen);
  return { state: apply(rules, { ...state, stage: phase, since, run }, seen), illegal: wrong };
}

/**
 * A phase that may run at any time, or that an event doesn't name, doesn't say where a key stands; a
 * rejection does, since the next iteration begins with it.
 */
function runAfter<Phase extends string>(
  rules: MachineRules<Phase>,
  { run }: MachineState<Phase>,
  { phase, meaning }: Observation<Phase>,
): Run {
  const tells = meaning === "rejected" || (phase !== undefined && !rules.continuous.has(phase));
  return isUncertain(run) && !tells ? "guessed" : "running";
}

function isUncertain(run: Run): boolean {
  return run === "unknown" || run === "guessed";
}

function judge<Phase extends string>(
  rules: MachineRules<Phase>,
  state: MachineState<Phase>,
  phase: Phase,
): IllegalReason | undefined {
  const here = rules.order.indexOf(state.stage);
  const there = rules.order.indexOf(phase);
  if (there === here) return undefined;
  if (isUncertain(state.run)) return "unknown";
  // After a failure it may be tried again, from any phase so far.
  if (there < here) return state.failure ? undefined : "repeated";
  // Continuous phases overlap: once they have run, what is between them may have come before.
  const feeding = rules.order
    .slice(here, there + 1)
    .every((phase) => rules.continuous.has(phase) && state.passed.has(phase));
  return feeding ? undefined : "skipped";
}

/** Which iteration the event means. Continuous phases run ahead and behind: their numbers decide nothing. */
function numberIteration<Phase extends string>(
  rules: MachineRules<Phase>,
  state: MachineState<Phase>,
  seen: Observation<Phase>,
): Step<Phase> {
  const { iteration, phase = state.stage } = seen;
  const fresh = state.run === "unheard" || isUncertain(state.run);
  if (iteration === undefined || (iteration === state.iteration && state.numbered)) {
    return { state, illegal: undefined };
  }
  if (rules.continuous.has(phase)) {
    const adopt = !state.numbered && (fresh || iteration > state.iteration);
    return { state: adopt ? { ...state, iteration } : state, illegal: undefined };
  }
  // A pipeline may keep the number of an iteration that was rejected.
  if (!state.numbered && (fresh || iteration >= state.iteration - 1)) {
    return { state: { ...state, iteration, numbered: true }, illegal: undefined };
  }
  if (iteration < state.iteration) return { state, illegal: "late" };
  const next = { ...state, iteration, numbered: true };
  // A failed iteration may be given up for the next one; any other was left in the middle.
  if (state.failure) return { state: next, illegal: undefined };
  return { state: begin(rules, next, seen.time), illegal: "unfinished" };
}

/** A state whose phase may have begun at a time that nobody knows. */
type Entered<Phase extends string> = Omit<MachineState<Phase>, "since"> & {
  readonly since: number | undefined;
};

function apply<Phase extends string>(
  rules: MachineRules<Phase>,
  state: Entered<Phase>,
  seen: Observation<Phase>,
): MachineState<Phase> {
  const { stage, error, time } = seen;
  if (seen.ends) return end(state, seen);
  if (seen.meaning === "started") return { ...state, failure: undefined, since: time };
  if (seen.meaning === "failed") {
    return { ...state, failure: { stage, error, rejected: false, time }, since: time };
  }
  if (seen.meaning === "rejected") {
    const failure = { stage, error, rejected: true, time };
    return { ...nextIteration(rules, state, time), failure };
  }
  const next = rules.order[rules.order.indexOf(state.stage) + 1];
  if (next === undefined) return nextIteration(rules, state, time);
  return consume(rules, { ...complete(state, time), stage: next, failure: undefined });
}

/** The phase in which it ended stays its stage, and `since` says when. */
function end<Phase extends string>(
  state: Entered<Phase>,
  { stage, error, time, meaning }: Observation<Phase>,
): MachineState<Phase> {
  const over = meaning === "failed" ? state : complete(state, time);
  const failure =
    meaning === "completed" ? undefined : { stage, error, rejected: meaning === "rejected", time };
  return { ...over, run: "done", failure, since: time };
}

function complete<Phase extends string>(state: Entered<Phase>, time: number): MachineState<Phase> {
  const { stage, since } = state;
  const durations =
    since === undefined
      ? state.durations
      : { ...state.durations, [stage]: Math.max(0, time - since) };
  return { ...state, durations, passed: new Set([...state.passed, stage]), since: time };
}

function nextIteration<Phase extends string>(
  rules: MachineRules<Phase>,
  state: Entered<Phase>,
  time: number,
): MachineState<Phase> {
  const done = complete(state, time);
  const next = { ...done, iteration: done.iteration + 1, numbered: false };
  return begin(rules, next, time);
}

function begin<Phase extends string>(
  rules: MachineRules<Phase>,
  state: MachineState<Phase>,
  time: number,
): MachineState<Phase> {
  return consume(rules, { ...state, stage: rules.order[0]!, since: time, failure: undefined });
}

/** Passes continuous phases that were completed ahead. The last phase is never continuous. */
function consume<Phase extends string>(
  rules: MachineRules<Phase>,
  state: MachineState<Phase>,
): MachineState<Phase> {
  let { stage, ahead } = state;
  while ((ahead[stage] ?? 0) > 0) {
    ahead = count(ahead, stage, -1);
    stage = rules.order[rules.order.indexOf(stage) + 1]!;
  }
  return { ...state, stage, ahead };
}

function count(
  ahead: Readonly<Record<string, number>>,
  phase: string,
  by: number,
): Readonly<Record<string, number>> {
  return { ...ahead, [phase]: (ahead[phase] ?? 0) + by };
}
