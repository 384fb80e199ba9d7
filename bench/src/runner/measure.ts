import { setImmediate } from "node:timers/promises";
import { measure } from "mitata";
import { type Prepared, prepare } from "./check.ts";
import { type TargetResult, type TimedResult, verdictOf } from "./results.ts";
import { type Subject, Tally, type Target, type TimedScenario } from "./scenario.ts";
import { shuffled, speedRatios, spread } from "./statistics.ts";

/** One sample of one candidate. Long enough for its garbage collections to be in it. */
const SAMPLE_NS = 5e6;
/** Samples a round and candidate; their mean counts, so that no collection is left out. */
const SAMPLES = 4;
const WARM_UP_PASSES = 4;
const WARM_UP_NS = 60e6;
/** The name of the least possible loop among the candidates. */
const LIMIT = "limit";

/** Checks, warms up and times all candidates of a scenario, in an order that changes every round. */
export async function measureScenario(
  scenario: TimedScenario,
  rounds: number,
): Promise<TimedResult> {
  for (const { make } of scenario.rehearsal ?? []) await rehearse(make(new Tally(), 0));
  const prepared = await prepare(scenario);
  const operations = new Map<Prepared, number>();
  // In turn, so that shared code has seen all handlers before any candidate is timed.
  for (let pass = 0; pass < WARM_UP_PASSES; pass += 1) {
    for (const one of shuffled(prepared)) operations.set(one, await warmUp(one));
  }
  const times = new Map(prepared.map((one) => [one.candidate.name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const one of shuffled(prepared)) {
      times.get(one.candidate.name)!.push(await sample(one, operations.get(one)!));
    }
  }
  return evaluate(scenario, times, rounds);
}

/** What `evaluate` needs to know of a scenario. */
export type Evaluated = Pick<
  TimedScenario,
  "id" | "title" | "operation" | "base" | "targets" | "notes"
> & {
  readonly candidates: readonly { readonly name: string; readonly note?: string | undefined }[];
  readonly deliveries?: number;
};

/** The figures of a scenario from its times: nanoseconds an operation by candidate and round. */
export function evaluate(
  scenario: Evaluated,
  times: ReadonlyMap<string, readonly number[]>,
  rounds: number,
): TimedResult {
  const timesOf = (name: string): readonly number[] => {
    const found = times.get(name);
    if (!found) throw new Error(`Scenario "${scenario.id}" has no candidate "${name}".`);
    return found;
  };
  const ratio = (name: string, base: string) => spread(speedRatios(timesOf(name), timesOf(base)));
  return {
    kind: "time",
    id: scenario.id,
    title: scenario.title,
    operation: scenario.operation,
    ...(scenario.deliveries === undefined ? {} : { deliveries: scenario.deliveries }),
    rounds,
    base: scenario.base,
    candidates: scenario.candidates.map(({ name, note }) => ({
      name,
      ns: spread(timesOf(name)),
      ratio: ratio(name, scenario.base),
      ...(note === undefined ? {} : { note }),
    })),
    targets: scenario.targets.map((target: Target): TargetResult => {
      const { candidate, base, atLeast, limited = true } = target;
      const reached = ratio(candidate, base);
      return {
        candidate,
        base,
        atLeast,
        ratio: reached,
        ...(limited && times.has(LIMIT) ? { limit: ratio(LIMIT, base) } : {}),
        verdict: verdictOf(reached.median / atLeast),
      };
    }),
    notes: scenario.notes?.() ?? [],
  };
}

/** Long enough for optimized code, in pieces: what handlers leave to a later turn gets its turn. */
async function rehearse(subject: Subject): Promise<void> {
  for (let piece = 0; piece < 20; piece += 1) {
    await subject.run(500);
    await setImmediate();
  }
}

/** Runs a candidate for a while; returns how many operations an instance does in its share of a sample. */
async function warmUp({ subjects }: Prepared): Promise<number> {
  let operations = 16;
  const begin = cpuNs();
  for (;;) {
    const start = cpuNs();
    for (const subject of subjects) await subject.run(operations);
    const ns = cpuNs() - start;
    if (ns < SAMPLE_NS / 2) operations *= 2;
    else if (ns > SAMPLE_NS * 2) operations = Math.max(1, Math.floor(operations / 2));
    else if (cpuNs() - begin > WARM_UP_NS) return operations;
    if (operations === 1 && ns > SAMPLE_NS) return operations;
  }
}

/**
 * Processor time of this process, the collector's threads included: what others do on the machine at
 * the same time is no part of it. In nanoseconds, exact to a microsecond.
 */
function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
}

/** Mean nanoseconds an operation. */
async function sample({ subjects, awaited }: Prepared, operations: number): Promise<number> {
  const runAll = awaited
    ? async (): Promise<void> => {
        for (const subject of subjects) await subject.run(operations);
      }
    : (): void => {
        for (const subject of subjects) void subject.run(operations);
      };
  const { avg } = await measure(runAll, {
    gc: false,
    now: cpuNs,
    min_samples: SAMPLES,
    max_samples: SAMPLES,
    // Neither batches of its own nor outliers left out: every collection counts.
    batch_threshold: 0,
    samples_threshold: Number.POSITIVE_INFINITY,
  });
  return avg / (operations * subjects.length);
}
