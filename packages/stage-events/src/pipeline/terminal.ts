import { quoted } from "@ringrift/envelope";
import { type AnyCatalogue, didYouMean } from "@ringrift/mappings";
import { StageEventsError } from "../errors.ts";
import { namesOf, type PhaseStage } from "./phase.ts";
import { topicOutcomes } from "./topic-outcomes.ts";

/** A pipeline as far as it is known when its ends are looked up. */
export interface UnfinishedPipeline {
  readonly catalogue: AnyCatalogue;
  readonly order: readonly string[];
  readonly continuous: ReadonlySet<string>;
  readonly phaseOf: (stage: string) => PhaseStage | undefined;
}

/**
 * Finds the topics whose events end a pipeline. Each name is a phase (its completion ends it), a stage, or
 * the topic of a failure or rejection without a stage.
 *
 * @throws StageEventsError `INVALID_PIPELINE`
 */
export function terminalTopics(
  terminal: string | readonly string[] | undefined,
  pipeline: UnfinishedPipeline,
): ReadonlySet<string> {
  const { catalogue, order, continuous, phaseOf } = pipeline;
  const outcomes = topicOutcomes(catalogue, phaseOf);
  const topics = new Set<string>();
  for (const name of namesOf(terminal)) {
    const ends = order.includes(name) ? completionsOf(name, outcomes) : [topicOf(name)];
    for (const topic of ends) {
      const { phase, meaning } = outcomes.get(topic) ?? unknown(name);
      if (meaning === "started") {
        throw invalid(
          `"terminal" names "${name}", which begins phase "${phase}". Name a phase, or a stage that ends one.`,
        );
      }
      if (phase !== undefined && continuous.has(phase)) {
        throw invalid(
          `"terminal" names "${name}" of phase "${phase}", which is continuous: it goes on next to the others, and ends nothing.`,
        );
      }
      topics.add(topic);
    }
  }
  return topics;

  function topicOf(name: string): string {
    return catalogue.entryForStage(name)?.topic ?? name;
  }

  function unknown(name: unknown): never {
    const stages = [...catalogue.stages.names].filter((stage) => phaseOf(stage));
    const near =
      typeof name === "string"
        ? didYouMean(name, [...order, ...stages, ...outcomes.keys()])
        : undefined;
    throw invalid(
      `"terminal" names ${quoted(name)}, which is neither a phase nor what a phase can come to. ${near ?? `The phases are ${order.join(", ")}.`}`,
    );
  }
}

function completionsOf(phase: string, outcomes: ReadonlyMap<string, PhaseStage>): string[] {
  return [...outcomes].flatMap(([topic, outcome]) =>
    outcome.phase === phase && outcome.meaning === "completed" ? topic : [],
  );
}

function invalid(message: string): StageEventsError {
  return new StageEventsError("INVALID_PIPELINE", message);
}
