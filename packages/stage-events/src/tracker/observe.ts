import type { BusEvent, EventBus, Subscription } from "@ringrift/core-bus";
import type { Contracts } from "@ringrift/envelope";
import { type AnyCatalogue, type CatalogueEntry, outcomeTopic } from "@ringrift/mappings";
import type { Observation } from "./machine.ts";
import type { StageMeaning } from "../phase.ts";
import type { Pipeline } from "../pipeline.ts";
import type { AnyStageResult } from "../result.ts";

/** Calls `take` with every result of a stage bus. */
export function observeStages(
  bus: EventBus,
  take: (result: AnyStageResult, event: BusEvent) => void,
): Subscription[] {
  return [
    bus.subscribe("**", (event) => take(event.payload, event), {
      name: "pipeline tracker",
      tap: true,
    }),
  ];
}

/**
 * Calls `take` with every event of a topic bus that is the outcome of a stage. The stage's own
 * spelling is read from `metadata.stage`, where a coordinator puts it; without it, the topic's first
 * stage stands for all.
 */
export function observeTopics(
  bus: EventBus,
  catalogue: AnyCatalogue,
  take: (result: AnyStageResult, event: BusEvent) => void,
): Subscription[] {
  return [...catalogue.entries.values()]
    .filter((entry) => entry.stages.length > 0)
    .map((entry) =>
      bus.subscribe(entry.topic, (event) => take(resultOf(catalogue, entry, event), event), {
        name: "pipeline tracker",
        tap: true,
      }),
    );
}

function resultOf(catalogue: AnyCatalogue, entry: CatalogueEntry, event: BusEvent): AnyStageResult {
  const fields: Record<string, unknown> = isObject(event.payload) ? { ...event.payload } : {};
  const success = entry.isFailure ? false : fields["success"] !== false;
  const error = typeof fields["error"] === "string" ? fields["error"] : undefined;
  const outcome = { success, ...(error !== undefined && { error }) };
  const said = event.metadata["stage"];
  // Somebody's metadata may hold a stage of its own: it counts only where it leads to this topic.
  const known = typeof said === "string" && outcomeTopic(catalogue, said, outcome) === entry.topic;
  return { ...fields, ...outcome, stage: known ? said : (entry.stages[0] ?? entry.topic) };
}

/** What a result says about its pipeline; `undefined` for stages beside it. */
export function readObservation<Phase extends string>(
  pipeline: Pipeline<Contracts, Phase>,
  result: AnyStageResult,
  time: number,
): Observation<Phase> | undefined {
  const info = pipeline.phaseOf(result.stage);
  if (!info) return undefined;
  const iteration = result["iteration"];
  return {
    phase: info.phase,
    meaning: meaningOf(pipeline.catalogue, info.meaning, result),
    stage: result.stage,
    iteration: typeof iteration === "number" ? iteration : undefined,
    error: result.error,
    time,
  };
}

function meaningOf(
  catalogue: AnyCatalogue,
  meaning: StageMeaning,
  result: AnyStageResult,
): StageMeaning {
  if (result.success || meaning === "failed" || meaning === "rejected") return meaning;
  const rejection = catalogue.entryForStage(result.stage)?.rejection;
  const rejected =
    rejection !== undefined && outcomeTopic(catalogue, result.stage, result) === rejection;
  return rejected ? "rejected" : "failed";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
