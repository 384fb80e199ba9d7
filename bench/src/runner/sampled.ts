import { evaluate } from "./measure.ts";
import type { TimedResult } from "./results.ts";
import type { SampledScenario, Sampler } from "./scenario.ts";
import { shuffled } from "./statistics.ts";

/**
 * Takes one sample of every candidate a round, in an order that changes. What can't be measured here is left out
 * of the figures and named in the notes.
 */
export async function measureSampled(
  scenario: SampledScenario,
  rounds: number,
): Promise<TimedResult> {
  const count = Math.min(rounds, scenario.mostRounds ?? rounds);
  const present = scenario.candidates.filter(({ missing }) => missing === undefined);
  const opened: { name: string; sampler: Sampler }[] = [];
  const times = new Map(present.map(({ name }) => [name, [] as number[]]));
  try {
    for (const { name, open } of present) opened.push({ name, sampler: await open() });
    for (let round = 0; round < count; round += 1) {
      for (const { name, sampler } of shuffled(opened)) {
        times.get(name)!.push(await sampler.sample());
      }
    }
  } finally {
    for (const { sampler } of opened) await sampler.close();
  }
  const isPresent = (name: string): boolean => times.has(name);
  return evaluate(
    {
      ...scenario,
      candidates: present,
      targets: scenario.targets.filter(
        ({ candidate, base }) => isPresent(candidate) && isPresent(base),
      ),
      notes: () => [...(scenario.notes?.() ?? []), ...skipped(scenario)],
    },
    times,
    count,
  );
}

function skipped({ candidates, targets }: SampledScenario): string[] {
  return candidates.flatMap(({ name, missing }) => {
    if (missing === undefined) return [];
    const lost = targets.filter(({ candidate, base }) => candidate === name || base === name);
    const promises = lost.map(({ atLeast, base }) => `≥ ${atLeast} × ${base}`).join(", ");
    return [`Skipped: ${name} (${missing})${promises === "" ? "" : `, and with it: ${promises}`}.`];
  });
}
