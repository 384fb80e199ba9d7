import type { AnyCatalogue } from "@ringrift/mappings";
import type { PhaseStage, StageMeaning } from "./phase.ts";

/**
 * Finds what each topic says about a pipeline: the topics of its stages, and the failures and rejections
 * of those, which need no stage of their own.
 */
export function topicOutcomes(
  catalogue: AnyCatalogue,
  phaseOf: (stage: string) => PhaseStage | undefined,
): ReadonlyMap<string, PhaseStage> {
  const outcomes = new Map<string, PhaseStage>();
  const put = (
    topic: string | undefined,
    phase: string | undefined,
    meaning: StageMeaning,
  ): void => {
    if (topic === undefined) return;
    const known = outcomes.get(topic);
    if (known === undefined) outcomes.set(topic, { phase, meaning });
    // A failure that several phases share means the one that is running.
    else if (known.meaning === meaning && known.phase !== phase) {
      outcomes.set(topic, { phase: undefined, meaning });
    }
  };
  const entries = [...catalogue.entries.values()];
  for (const { topic, stages } of entries) {
    for (const { phase, meaning } of knownStages(stages, phaseOf)) put(topic, phase, meaning);
  }
  for (const { stages, failure, rejection } of entries) {
    for (const { phase, meaning } of knownStages(stages, phaseOf)) {
      if (meaning !== "completed" && meaning !== "started") continue;
      put(failure, phase, "failed");
      put(rejection, phase, "rejected");
    }
  }
  return outcomes;
}

function knownStages(
  stages: readonly string[],
  phaseOf: (stage: string) => PhaseStage | undefined,
): PhaseStage[] {
  return stages.map(phaseOf).filter((known) => known !== undefined);
}
