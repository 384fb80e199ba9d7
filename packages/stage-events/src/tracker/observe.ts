import type { BusEvent, EventBus } from "@ringrift/core-bus";
import { type AnyCatalogue, type CatalogueEntry, outcomeTopic } from "@ringrift/mappings";
import type { PhaseStage, StageMeaning } from "../pipeline/phase.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { AnyStageResult } from "../bus/result.ts";
import { topicOutcomes } from "../pipeline/topic-outcomes.ts";
import type { Observation } from "../machine/machine.ts";

/** What an event says about a pipeline, and about which key's. */
export interface Sighting extends Omit<Observation, "stale" | "time"> {
  readonly key: string;
}

/** `outside`: of a stage that isn't part of the pipeline. `unmapped`: a plain event that names no key. */
export type Reading = Sighting | "outside" | "unmapped";

/** Where a tracker gets its events from. */
export interface Source {
  readonly bus: EventBus;
  /** What to subscribe to; the same event is never under two of them. */
  readonly topics: readonly string[];
  wants(topic: string): boolean;
  read(event: BusEvent): Reading;
}

/** The results of a stage bus. */
export function stageSource(bus: EventBus, pipeline: Pipeline): Source {
  const { catalogue } = pipeline;
  return {
    bus,
    topics: ["**"],
    wants: () => true,
    read(event) {
      // The cast is safe: a stage bus has checked what it publishes.
      const result = event.payload as AnyStageResult;
      const place = pipeline.phaseOf(result.stage);
      if (!place) return "outside";
      const topic = outcomeTopic(catalogue, result.stage, result);
      return sight(pipeline, { result, place, topic, catalogue, key: pipeline.keyOf(result) });
    },
  };
}

/**
 * The events of a topic bus that are outcomes of stages, also failures and rejections without a stage of
 * their own. A stage's own spelling is read from `metadata.stage`, where a coordinator puts it; without it,
 * the topic's first stage stands for all.
 */
export function topicSource(bus: EventBus, catalogue: AnyCatalogue, pipeline: Pipeline): Source {
  const outcomes = topicOutcomes(catalogue, (stage) => pipeline.phaseOf(stage));
  const entries = new Map(
    [...catalogue.entries].filter(
      ([topic, { stages }]) => stages.length > 0 || outcomes.has(topic),
    ),
  );
  return {
    bus,
    topics: [...entries.keys()],
    wants: (topic) => entries.has(topic),
    read(event) {
      const { topic } = event;
      const entry = entries.get(topic);
      if (!entry) return "outside";
      const { result, isPlain } = resultOf(catalogue, entry, event);
      const place = pipeline.phaseOf(result.stage) ?? outcomes.get(topic);
      if (!place) return "outside";
      // Stages without a key are one run, `default`. Anybody may publish a plain event, about anything.
      const key = isPlain ? pipeline.ownKeyOf(result) : pipeline.keyOf(result);
      return key === undefined
        ? "unmapped"
        : sight(pipeline, { result, place, topic, catalogue, key });
    },
  };
}

interface TopicResult {
  readonly result: AnyStageResult;
  /** Whether no stage at all stands behind it. */
  readonly isPlain: boolean;
}

function resultOf(catalogue: AnyCatalogue, entry: CatalogueEntry, event: BusEvent): TopicResult {
  const fields: Record<string, unknown> = isObject(event.payload) ? { ...event.payload } : {};
  const success = entry.isFailure ? false : fields["success"] !== false;
  const error = typeof fields["error"] === "string" ? fields["error"] : undefined;
  const outcome = { success, ...(error !== undefined && { error }) };
  const said = event.metadata["stage"];
  // Somebody's metadata may hold a stage of its own: it counts only where it leads to this topic.
  const known =
    typeof said === "string" && outcomeTopic(catalogue, said, outcome) === entry.topic
      ? said
      : entry.stages[0];
  return {
    result: { ...fields, ...outcome, stage: known ?? entry.topic },
    isPlain: known === undefined,
  };
}

interface Outcome {
  readonly result: AnyStageResult;
  readonly place: PhaseStage;
  readonly topic: string | undefined;
  readonly catalogue: AnyCatalogue;
  readonly key: string;
}

function sight(pipeline: Pipeline, { result, place, topic, catalogue, key }: Outcome): Sighting {
  const iteration = result["iteration"];
  return {
    key,
    phase: place.phase,
    meaning: meaningOf(catalogue, place.meaning, result),
    ends: topic !== undefined && pipeline.terminal.has(topic),
    stage: result.stage,
    iteration: typeof iteration === "number" ? iteration : undefined,
    error: result.error,
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
