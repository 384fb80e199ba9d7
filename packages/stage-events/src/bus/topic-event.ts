import type { Metadata } from "@ringrift/core-bus";
import { type AnyCatalogue, outcomeTopic } from "@ringrift/mappings";
import type { AnyStageResult } from "./result.ts";

/** A stage result as its topic event: what a coordinator publishes on the topic bus. */
export interface TopicEvent {
  readonly topic: string;
  /** The result's fields without `stage` and `metadata`, with the metadata fields the catalogue declares. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** The stage's own spelling, which other spellings of the same topic may not lead back to. */
  readonly stage: string;
  /** The result's metadata, and the stage's spelling as `stage`, for whoever gets the topic event. */
  readonly metadata: Metadata;
}

/**
 * Turns a stage result into its topic event: success under the stage's topic, everything else under
 * its failure (or its rejection, when it has no `error`), and never under a success name. `undefined`
 * for a stage that the catalogue doesn't have.
 *
 * @example
 * toTopicEvent(selfplayCatalogue, { stage: "training_complete", success: false, error: "out of memory" })
 * // { topic: "training.failed", payload: { success: false, error: "out of memory" }, … }
 */
export function toTopicEvent(
  catalogue: AnyCatalogue,
  result: AnyStageResult,
): TopicEvent | undefined {
  const { stage, metadata = {}, ...fields } = result;
  const topic = outcomeTopic(catalogue, stage, result);
  if (topic === undefined) return undefined;
  const payload: Record<string, unknown> = fields;
  for (const name of catalogue.entryForTopic(topic)?.metadata ?? []) {
    // A field that the result has itself is the better known of the two.
    if (Object.hasOwn(metadata, name) && !Object.hasOwn(payload, name)) {
      payload[name] = metadata[name];
    }
  }
  return { topic, payload, stage, metadata: { ...metadata, stage } };
}
