import { selfplayCatalogue, type SelfplayEvents, type StageContracts } from "@ringrift/mappings";
import { definePipeline, type Pipeline } from "./pipeline.ts";

/** The stages of the self-play catalogue with their fields. */
export type SelfplayStages = StageContracts<SelfplayEvents>;

/** The phases of {@link selfplayPipeline}. */
export type SelfplayPhase = "selfplay" | "sync" | "training" | "evaluation" | "promotion";

/**
 * The event guide's pipeline: self-play → sync → training → evaluation → promotion, and the next
 * iteration. Self-play and sync go on while later phases run. The other stages of the catalogue (exports,
 * parameter searches, model sync) are emitted on the same bus and don't move it.
 */
export const selfplayPipeline: Pipeline<SelfplayStages, SelfplayPhase> = definePipeline({
  catalogue: selfplayCatalogue,
  stages: {
    selfplay: { complete: "selfplay_complete", continuous: true },
    sync: { complete: "sync_complete", continuous: true },
    training: { complete: "training_complete", started: "training_started" },
    evaluation: { complete: "evaluation_complete" },
    promotion: { complete: "promotion_complete" },
  },
  order: ["selfplay", "sync", "training", "evaluation", "promotion"],
  key: "configKey",
});
