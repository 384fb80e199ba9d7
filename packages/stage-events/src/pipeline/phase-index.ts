import type { AnyCatalogue } from "@ringrift/mappings";
import { StageEventsError } from "../errors.ts";
import { namesOf, type PhaseStage, type PhaseStages, type StageMeaning } from "./phase.ts";

/**
 * Finds what every stage name means. A stage stands for its topic, and so do the topic's other
 * stages: an event that came from elsewhere may know its topic only.
 *
 * @throws StageEventsError `INVALID_PIPELINE`
 */
export function phaseIndex(
  catalogue: AnyCatalogue,
  phases: Readonly<Record<string, PhaseStages>>,
  order: readonly string[],
): ReadonlyMap<string, PhaseStage> {
  checkOrder(phases, order);
  const index = new Map<string, PhaseStage>();
  const put = (stage: string, phase: string, meaning: StageMeaning): void => {
    const known = index.get(stage);
    // Phases may fail, and be turned down, with one and the same stage.
    const shared = meaning === "failed" || meaning === "rejected";
    if (known === undefined) index.set(stage, { phase, meaning });
    else if (shared && known.meaning === meaning && known.phase !== phase) {
      index.set(stage, { phase: undefined, meaning });
    } else if (known.phase !== phase || known.meaning !== meaning) {
      throw invalid(
        `Stage "${stage}" is "${known.meaning}" of "${known.phase}" and "${meaning}" of "${phase}". Let a stage mean one thing.`,
      );
    }
  };

  for (const phase of order) {
    const { complete, started, failed, rejected } = phases[phase] ?? { complete: [] };
    for (const name of namesOf(complete)) {
      const entry = entryOf(catalogue, name, phase);
      for (const stage of entry.stages) put(stage, phase, "completed");
      for (const stage of stagesOf(catalogue, entry.rejection)) put(stage, phase, "rejected");
      for (const stage of stagesOf(catalogue, entry.failure)) put(stage, phase, "failed");
    }
    for (const name of namesOf(started)) {
      for (const stage of entryOf(catalogue, name, phase).stages) {
        put(stage, phase, "started");
      }
    }
    for (const name of namesOf(failed)) {
      for (const stage of entryOf(catalogue, name, phase).stages) put(stage, phase, "failed");
    }
    for (const name of namesOf(rejected)) {
      for (const stage of entryOf(catalogue, name, phase).stages) {
        put(stage, phase, "rejected");
      }
    }
  }
  return index;
}

function checkOrder(phases: Readonly<Record<string, PhaseStages>>, order: readonly string[]): void {
  const last = order.at(-1);
  if (last === undefined) throw invalid("The order is empty. Name the phases in order.");
  for (const phase of order) {
    if (!Object.hasOwn(phases, phase)) {
      throw invalid(`Phase "${phase}" of the order has no stages. Add it to "stages".`);
    }
  }
  for (const phase of Object.keys(phases)) {
    const places = order.filter((name) => name === phase).length;
    if (places !== 1) {
      throw invalid(
        `Phase "${phase}" stands in the order ${places} times. Let it stand there once.`,
      );
    }
  }
  if (phases[last]?.continuous) {
    throw invalid(`The last phase "${last}" is continuous: no iteration would ever end.`);
  }
}

function entryOf(
  catalogue: AnyCatalogue,
  stage: string,
  phase: string,
): { stages: readonly string[]; failure: string | undefined; rejection: string | undefined } {
  const entry = catalogue.entryForStage(stage);
  if (entry) return entry;
  throw invalid(`"${stage}" of phase "${phase}" is not a stage of the catalogue. Define it there.`);
}

function stagesOf(catalogue: AnyCatalogue, topic: string | undefined): readonly string[] {
  return topic === undefined ? [] : (catalogue.entryForTopic(topic)?.stages ?? []);
}

function invalid(message: string): StageEventsError {
  return new StageEventsError("INVALID_PIPELINE", message);
}
