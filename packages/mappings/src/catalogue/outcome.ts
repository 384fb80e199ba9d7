import type { AnyCatalogue } from "./catalogue.ts";

/** What decides under which topic a stage result travels on. */
export interface StageOutcome {
  readonly success: boolean;
  /** Present when something went wrong; a result without success and without it was turned down. */
  readonly error?: unknown;
}

/**
 * The topic under which a stage result leaves the stage bus: the stage's own on success; on failure
 * the entry's `failure`, or its `rejection` where it has one and the result carries no error. A stage
 * that is itself a failure (`training_failed`) keeps its own topic. `undefined` for an unknown stage.
 * Given a plain `false`, answers with the failure.
 *
 * @example
 * outcomeTopic(selfplayCatalogue, "training_complete", true);                // "training.completed"
 * outcomeTopic(selfplayCatalogue, "training_complete", false);               // "training.failed"
 * outcomeTopic(selfplayCatalogue, "promotion_complete", { success: false }); // "promotion.rejected"
 */
export function outcomeTopic(
  catalogue: AnyCatalogue,
  stage: string,
  outcome: boolean | StageOutcome,
): string | undefined {
  const entry = catalogue.entryForStage(stage);
  if (!entry) return undefined;
  if (outcome === true || (typeof outcome === "object" && outcome.success)) return entry.topic;
  if (entry.isFailure) return entry.topic;
  const turnedDown = typeof outcome === "object" && outcome.error === undefined;
  return turnedDown ? (entry.rejection ?? entry.failure) : entry.failure;
}

/** Whether a stage is a failure itself (`training_failed`, `promotion_rejected`). */
export function isFailureStage(catalogue: AnyCatalogue, stage: string): boolean {
  return catalogue.entryForStage(stage)?.isFailure ?? false;
}
