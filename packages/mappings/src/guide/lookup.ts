import { selfplayCatalogue, type SelfplayEvents } from "./selfplay.ts";
import {
  DATA_TO_CROSS_PROCESS_MAP,
  DATA_TO_STAGE_EVENT_MAP,
  STAGE_TO_CROSS_PROCESS_MAP,
  STAGE_TO_DATA_EVENT_MAP,
} from "./tables.ts";

type StageToDataMap = typeof STAGE_TO_DATA_EVENT_MAP;
type DataToCrossMap = typeof DATA_TO_CROSS_PROCESS_MAP;
type StageToCrossMap = typeof STAGE_TO_CROSS_PROCESS_MAP;
type DataToStageMap = typeof DATA_TO_STAGE_EVENT_MAP;

/** Keeps completion of the known names where any string is allowed. */
type Known<Name extends string> = Name | (string & Record<never, never>);

/** A known name's target as a literal, `undefined` for another literal, and either for a string. */
type Found<Table, Name> = Name extends keyof Table
  ? Table[Name]
  : string extends Name
    ? Table[keyof Table] | undefined
    : undefined;

/**
 * The data-tier name of a stage; `undefined` for what is no stage.
 *
 * @example getDataEventType("training_complete") // "training_completed"
 */
export function getDataEventType<const Name extends Known<keyof StageToDataMap>>(
  stage: Name,
): Found<StageToDataMap, Name> {
  return find(STAGE_TO_DATA_EVENT_MAP, stage);
}

/**
 * The queue name of a data-tier name, or of a stage when `source` says so; `undefined` for an unknown
 * name and for an event that stays local.
 *
 * @example
 * getCrossProcessEventType("training_completed");           // "TRAINING_COMPLETED"
 * getCrossProcessEventType("evaluation_complete", "stage"); // "EVALUATION_COMPLETED"
 */
export function getCrossProcessEventType<const Name extends Known<keyof DataToCrossMap>>(
  type: Name,
  source?: "data",
): Found<DataToCrossMap, Name>;
export function getCrossProcessEventType<const Name extends Known<keyof StageToCrossMap>>(
  type: Name,
  source: "stage",
): Found<StageToCrossMap, Name>;
export function getCrossProcessEventType(
  type: string,
  source?: "data" | "stage",
): string | undefined;
export function getCrossProcessEventType(
  type: string,
  source: "data" | "stage" = "data",
): string | undefined {
  return find(source === "stage" ? STAGE_TO_CROSS_PROCESS_MAP : DATA_TO_CROSS_PROCESS_MAP, type);
}

/**
 * The stage that stands for a data-tier name; `undefined` for an unknown name, or one without stage.
 *
 * @example getStageEventType("new_games") // "selfplay_complete"
 */
export function getStageEventType<const Name extends Known<keyof DataToStageMap>>(
  data: Name,
): Found<DataToStageMap, Name> {
  return find(DATA_TO_STAGE_EVENT_MAP, data);
}

/**
 * The topic of an event by any exact spelling of it: topic, stage, data-tier name, queue name, alias.
 *
 * @example getTopic("NEW_GAMES_AVAILABLE") // "data.new_games"
 */
export function getTopic(name: string): keyof SelfplayEvents | undefined {
  // The cast is safe: the catalogue's own topics.
  return selfplayCatalogue.entryFor(name)?.topic as keyof SelfplayEvents | undefined;
}

/**
 * The canonical name (the topic) of an event, whatever the letter case of the spelling.
 *
 * @example normalizeEventType("Training_Complete") // "training.completed"
 */
export function normalizeEventType(name: string): keyof SelfplayEvents | undefined {
  return getTopic(name) ?? getTopic(name.toLowerCase()) ?? getTopic(name.toUpperCase());
}

/** Whether a name, in any letter case, is a spelling of an event of the self-play catalogue. */
export function isMappedEvent(name: string): boolean {
  return normalizeEventType(name) !== undefined;
}

/** Every spelling that the self-play catalogue understands, sorted, each once. */
export function getAllEventTypes(): readonly string[] {
  const names = new Set<string>();
  for (const entry of selfplayCatalogue.entries.values()) {
    for (const name of [entry.topic, entry.data, ...entry.stages, ...entry.aliases])
      names.add(name);
    if (entry.crossProcess !== undefined) names.add(entry.crossProcess);
  }
  return [...names].toSorted();
}

function find<Table extends object, Name>(table: Table, name: Name): Found<Table, Name> {
  // The tables have no prototype, so nothing but their own names is found in them.
  // The cast is safe: `Found` is what indexing gives.
  return (table as Record<string, unknown>)[String(name)] as Found<Table, Name>;
}
