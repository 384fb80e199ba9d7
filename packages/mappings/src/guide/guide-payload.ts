import { quoted } from "@ringrift/envelope";
import { CatalogueError } from "../errors.ts";
import type { DefinedPayload } from "../catalogue/event.ts";
import type { SelfplayEvents } from "./selfplay.ts";

/** The guide's snake_case field → ours, a list per topic of the guide. */
const GUIDE_FIELDS = {
  "training.started": { config_key: "configKey", model_version: "modelVersion" },
  "training.completed": { config_key: "configKey", metrics: "metrics", model_path: "modelPath" },
  "training.failed": { config_key: "configKey", error: "error" },
  "training.checkpoint": { step: "step", path: "path" },
  "evaluation.completed": { config_key: "configKey", elo: "elo", win_rate: "winRate" },
  "evaluation.regression": { config_key: "configKey", elo_drop: "eloDrop" },
  "elo.updated": { model_id: "modelId", old_elo: "oldElo", new_elo: "newElo" },
  "data.new_games": { count: "count", source: "source" },
  "data.sync_completed": { node_id: "nodeId", games_synced: "gamesSynced" },
  "data.quality_updated": { score: "score", distribution: "distribution" },
  "cluster.node_joined": { node_id: "nodeId", capabilities: "capabilities" },
  "cluster.node_left": { node_id: "nodeId", reason: "reason" },
  "cluster.leader_elected": { leader_id: "leaderId" },
  "model.promoted": { model_id: "modelId", elo: "elo" },
} as const;

type GuideFields = typeof GUIDE_FIELDS;

/** The topics whose payload the guide lists. */
export type GuideTopic = keyof GuideFields;

/** A topic's payload as the guide writes it, in snake_case. */
export type GuidePayload<Topic extends GuideTopic> = {
  readonly [
    Field in keyof GuideFields[Topic]
  ]: GuideFields[Topic][Field] extends keyof DefinedPayload<SelfplayEvents[Topic]>
    ? DefinedPayload<SelfplayEvents[Topic]>[GuideFields[Topic][Field]]
    : never;
};

/**
 * Turns a payload with the guide's field names into one of the catalogue. Only the fields that the
 * guide lists for the topic are known; any other is refused, since dropping or renaming it would be a
 * guess. What is inside a field (the names of metrics) stays as it is.
 *
 * @throws CatalogueError `UNKNOWN_TOPIC`, `UNKNOWN_FIELD`
 * @example fromGuidePayload("elo.updated", { model_id: "v3", old_elo: 1800, new_elo: 1850 })
 * // { modelId: "v3", oldElo: 1800, newElo: 1850 }
 */
export function fromGuidePayload<Topic extends GuideTopic>(
  topic: Topic,
  payload: GuidePayload<Topic>,
): DefinedPayload<SelfplayEvents[Topic]> {
  if (!Object.hasOwn(GUIDE_FIELDS, topic)) {
    throw new CatalogueError(
      "UNKNOWN_TOPIC",
      `The guide lists no payload for ${quoted(topic)}. Use one of ${Object.keys(GUIDE_FIELDS).join(", ")}.`,
    );
  }
  const fields = new Map<string, string>(Object.entries(GUIDE_FIELDS[topic]));
  const converted = Object.entries(payload).map(([field, value]) => {
    const name = fields.get(field);
    if (name === undefined) {
      throw new CatalogueError(
        "UNKNOWN_FIELD",
        `${quoted(field)} is not a field the guide gives "${topic}". It has ${[...fields.keys()].join(", ")}; publish others under the catalogue's own names.`,
      );
    }
    return [name, value] as const;
  });
  // The cast is safe: renamed field by field above.
  return Object.fromEntries(converted) as DefinedPayload<SelfplayEvents[Topic]>;
}
