import type { HandlerError } from "@ringrift/core-bus";
import type { Contracts, EventView } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import { StageEventsError } from "../errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import {
  type SelfplayPhase,
  selfplayPipeline,
  type SelfplayStages,
} from "../pipeline/selfplay-pipeline.ts";
import type { StageEventBus } from "./stage-bus.ts";
import { StageEngine } from "./stage-engine.ts";

/** What a stage bus is made of; all of it is optional. */
export interface StageBusOptions<C extends Contracts, Phase extends string> {
  /** The stages and their order. @default selfplayPipeline */
  readonly pipeline?: Pipeline<C, Phase> | undefined;
  /** Instead of a pipeline: the stages of a catalogue, in no particular order. @default the pipeline's */
  readonly catalogue?: (AnyCatalogue & { readonly stages: EventView<C> }) | undefined;
  /** How many of the newest results are kept. @default 100 */
  readonly historySize?: number | undefined;
  /** Gets every handler's failure. @default a process warning with code `RINGRIFT_HANDLER_ERROR` */
  readonly onError?: ((error: HandlerError) => unknown) | undefined;
}

const KNOWN: ReadonlySet<string> = new Set(["catalogue", "historySize", "onError", "pipeline"]);

/**
 * Makes a stage bus. Its stages and their fields come from the pipeline or the catalogue.
 *
 * @throws StageEventsError `INVALID_OPTION`
 * @throws EventBusError `INVALID_OPTION`
 * @example const stages = createStageEventBus({ historySize: 100 }); // the self-play pipeline
 */
export function createStageEventBus<
  C extends Contracts = SelfplayStages,
  Phase extends string = SelfplayPhase,
>(options: StageBusOptions<C, Phase> = {}): StageEventBus<C, Phase> {
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) {
    throw new StageEventsError(
      "INVALID_OPTION",
      `Option "${unknown}" is unknown. Use one of ${[...KNOWN].join(", ")}.`,
    );
  }
  const { catalogue, historySize = 100, onError } = options;
  if (catalogue && options.pipeline && options.pipeline.catalogue !== catalogue) {
    throw new StageEventsError(
      "INVALID_OPTION",
      "The pipeline has another catalogue than the one given. Leave out one of them.",
    );
  }
  const pipeline = options.pipeline ?? (catalogue ? undefined : selfplayPipeline);
  const engine = new StageEngine({
    catalogue: catalogue ?? (pipeline ?? selfplayPipeline).catalogue,
    pipeline,
    historySize,
    onError,
  });
  // The engine knows stages and results as they are at run time; the contracts exist in types only.
  // The cast is safe: its typed face.
  return engine as unknown as StageEventBus<C, Phase>;
}
