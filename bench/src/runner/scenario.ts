/** What a candidate's handlers add up: shared by the handlers of one candidate. */
export class Tally {
  total = 0;
}

/** A candidate set up for a scenario. */
export interface Subject {
  /** Does the scenario's operation so often; a promise where the operation is awaited. */
  run(operations: number): void | Promise<void>;
}

/** One of those that are measured against each other. */
export interface Candidate {
  readonly name: string;
  /** Shown below the table: what the candidate leaves out, or answers differently. */
  readonly note?: string;
  /** `rotation`: which of the six handler literals comes first. */
  readonly make: (tally: Tally, rotation: number) => Subject;
}

/** A promise about speed: operations a second of `candidate`, divided by those of `base`. */
export interface Target {
  readonly candidate: string;
  readonly base: string;
  readonly atLeast: number;
  /** False where the base is ours too: a limit for it says nothing. @default true */
  readonly limited?: boolean;
}

interface ScenarioText {
  /** Chooses the scenario on the command line, in kebab-case. */
  readonly id: string;
  readonly title: string;
  /** What one operation is, in a sentence. */
  readonly operation: string;
}

/** A scenario whose operations are timed. */
export interface TimedScenario extends ScenarioText {
  readonly kind: "time";
  /** Handler calls that one operation must cause, counted before anything is timed. */
  readonly deliveries: number;
  /** The candidate whose speed is 1. */
  readonly base: string;
  readonly candidates: readonly Candidate[];
  readonly targets: readonly Target[];
  /** Run before the candidates are set up, and not timed: what else their code has seen in a program. */
  readonly rehearsal?: readonly Candidate[];
  /** Shown below the table. */
  readonly notes?: () => readonly string[];
}

/** A candidate whose memory is read before and after its work. */
export interface MemoryCandidate {
  readonly name: string;
  /** Does the work so often on one and the same emitter, and gives back the number of deliveries. */
  readonly make: () => (operations: number) => number;
}

/** A scenario whose heap is read, after a collection, before and after. */
export interface MemoryScenario extends ScenarioText {
  readonly kind: "memory";
  readonly operations: number;
  /** Operations before the first reading: what is kept on purpose (a history) is full by then. */
  readonly warmUp: number;
  readonly candidates: readonly MemoryCandidate[];
  readonly targets: readonly { readonly candidate: string; readonly atMostMib: number }[];
}

/** One of those that are measured by the clock, a sample at a time. */
export interface SampledCandidate {
  readonly name: string;
  readonly note?: string | undefined;
  /** Why it can't be measured here: then it is left out, visibly. */
  readonly missing?: string | undefined;
  /** Sets it up and warms it up; run once. */
  readonly open: () => Promise<Sampler>;
}

/** A candidate that is set up. */
export interface Sampler {
  /** Nanoseconds an operation. */
  sample(): Promise<number>;
  close(): Promise<void>;
}

/** A scenario by the clock, with disks, servers and several processes in it. */
export interface SampledScenario extends ScenarioText {
  readonly kind: "sampled";
  readonly base: string;
  readonly candidates: readonly SampledCandidate[];
  readonly targets: readonly Target[];
  /** Rounds, where the usual number would take too long. */
  readonly mostRounds?: number;
  readonly notes?: () => readonly string[];
}

/** A scenario that finds figures with a bound: latencies, shares of a core, memory. */
export interface FiguresScenario extends ScenarioText {
  readonly kind: "figures";
  readonly measure: (rounds: number) => Promise<readonly Figure[]>;
}

/** One figure, over the rounds. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly atMost?: number;
}

export type Scenario = TimedScenario | MemoryScenario | SampledScenario | FiguresScenario;

/** What `pnpm bench <name>` runs. */
export interface Suite {
  readonly name: string;
  /** Run before the scenarios, in the process that starts theirs; resolves to what ends it. */
  readonly setUp?: () => Promise<() => Promise<void>>;
  /** Rounds unless told otherwise. @default 21 */
  readonly rounds?: number;
  readonly scenarios: readonly Scenario[];
}
