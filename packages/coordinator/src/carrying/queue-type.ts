import { type AnyCatalogue, didYouMean } from "@ringrift/mappings";
import { CoordinatorError } from "../errors.ts";

/** Most topics that a message lists. */
const MOST = 5;
const WILDCARD = /[*?[\]{}]/;

/**
 * The name of a topic on the queue.
 *
 * @throws CoordinatorError `UNKNOWN_TOPIC`, `LOCAL_TOPIC`
 */
export function queueType(
  catalogue: AnyCatalogue,
  topic: string,
  call: "handle" | "publish",
): string {
  const entry = catalogue.entryForTopic(topic);
  if (!entry) throw unknownTopic(catalogue, topic, call);
  if (entry.crossProcess === undefined) {
    throw new CoordinatorError(
      "LOCAL_TOPIC",
      `Topic "${topic}" is declared local, so no queue carries it. Use bus.publish and bus.subscribe, or drop "local" from its definition.`,
    );
  }
  return entry.crossProcess;
}

/** What to do about a topic that the catalogue doesn't have: the name that was meant, or else the nearest. */
export function adviceFor(catalogue: AnyCatalogue, topic: string): string {
  const meant = catalogue.entryFor(topic)?.topic;
  if (meant !== undefined) return `Write "${meant}".`;
  return didYouMean(topic, catalogue.topics.names) ?? "Add it to the catalogue.";
}

function unknownTopic(
  catalogue: AnyCatalogue,
  topic: unknown,
  call: "handle" | "publish",
): CoordinatorError {
  if (typeof topic !== "string") {
    return new CoordinatorError("UNKNOWN_TOPIC", `${call} was given no topic but ${typeof topic}.`);
  }
  if (!WILDCARD.test(topic)) {
    return new CoordinatorError(
      "UNKNOWN_TOPIC",
      `Topic "${topic}" is not in the catalogue. ${adviceFor(catalogue, topic)}`,
    );
  }
  if (call === "publish") {
    return new CoordinatorError(
      "UNKNOWN_TOPIC",
      `"${topic}" is a pattern, and an event has one topic. Publish one event a topic.`,
    );
  }
  const start = topic.slice(0, topic.search(WILDCARD));
  const names = [...catalogue.entries.values()]
    .filter((entry) => entry.topic.startsWith(start) && entry.crossProcess !== undefined)
    .map((entry) => `"${entry.topic}"`);
  const list = names.length > MOST ? [...names.slice(0, MOST), "…"] : names;
  return new CoordinatorError(
    "UNKNOWN_TOPIC",
    `"${topic}" is a pattern, and handle takes topics, since a group's topics are stored with it. List them: handle([${list.join(", ")}], …); bus.subscribe takes patterns.`,
  );
}
