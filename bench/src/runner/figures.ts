import { type FiguresResult, verdictOf } from "./results.ts";
import type { FiguresScenario } from "./scenario.ts";
import { spread } from "./statistics.ts";

/** Finds the figures of a scenario and holds them against their bounds. */
export async function measureFigures(
  scenario: FiguresScenario,
  rounds: number,
): Promise<FiguresResult> {
  const { id, title, operation } = scenario;
  const found = await scenario.measure(rounds);
  return {
    kind: "figures",
    id,
    title,
    operation,
    figures: found.map(({ name, unit, values, atMost }) => {
      const value = spread(values);
      if (atMost === undefined) return { name, unit, value };
      return { name, unit, value, atMost, verdict: verdictOf(atMost / value.median) };
    }),
  };
}
