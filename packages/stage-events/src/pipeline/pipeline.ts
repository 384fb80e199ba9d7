import type { Contracts, EventName, EventView } from "@ringrift/envelope";
import type {
  AnyCatalogue,
  Catalogue,
  EventDefinitions,
  StageContracts,
  StageFields,
  TopicContracts,
} from "@ringrift/mappings";
import { StageEventsError } from "../errors.ts";
import { phaseIndex } from "./phase-index.ts";
import type { PhaseStage, PhaseStages } from "./phase.ts";
import { standaloneCatalogue } from "./standalone-catalogue.ts";
import { terminalTopics } from "./terminal.ts";

/** What tells one run of a pipeline from another that happens at the same time. */
export type PipelineKey = string | ((result: Readonly<Record<string, unknown>>) => unknown);

/**
 * A pipeline: its phases in order, the stages that move it, and what it is keyed by. A value
 * without I/O; made by {@link definePipeline}.
 */
export interface Pipeline<C extends Contracts = Contracts, Phase extends string = string> {
  /** The stages and their topics. */
  readonly catalogue: AnyCatalogue & { readonly stages: EventView<C> };
  readonly order: readonly Phase[];
  readonly continuous: ReadonlySet<Phase>;
  /** The topics whose events end it: its key is done then. Empty for a pipeline that goes round. */
  readonly terminal: ReadonlySet<string>;
  /** What a stage says about the pipeline; `undefined` for stages outside of it. */
  phaseOf(stage: string): PhaseStage<Phase> | undefined;
  /** The key of a result, `default` when it has none. */
  keyOf(result: Readonly<Record<string, unknown>>): string;
  /** The key that a result itself gives; `undefined` when it has none. */
  ownKeyOf(result: Readonly<Record<string, unknown>>): string | undefined;
}

type NamesIn<Value> = Value extends readonly (infer Name extends string)[]
  ? Name
  : Value extends string
    ? Value
    : never;

type Given = "complete" | "failed" | "rejected" | "started";

/** All the stage names that a phase has, by default `<phase>_failed` for its failure. */
type StagesOfPhase<Phase extends string, Stages> =
  | { [Kind in keyof Stages & Given]: NamesIn<Stages[Kind]> }[keyof Stages & Given]
  | (Stages extends { readonly failed: unknown } ? never : `${Phase}_failed`);

type StandaloneStages<Phases extends Readonly<Record<string, PhaseStages>>> = {
  [Phase in keyof Phases & string]: StagesOfPhase<Phase, Phases[Phase]>;
}[keyof Phases & string];

/** The stages of a pipeline without a catalogue: any fields. */
export type StandaloneContracts<Phases extends Readonly<Record<string, PhaseStages>>> = {
  [Stage in StandaloneStages<Phases>]: StageFields & Readonly<Record<string, unknown>>;
};

/** What may end a pipeline over a catalogue, besides a phase. */
type OutcomeName<D extends EventDefinitions> =
  | EventName<StageContracts<D>>
  | EventName<TopicContracts<D>>;

type OneOrMore<Name> = Name | readonly Name[];

const NO_KEY = "default";
const KNOWN: ReadonlySet<string> = new Set(["catalogue", "key", "order", "stages", "terminal"]);

/**
 * Defines a pipeline over the stages of a catalogue, or by itself.
 *
 * @param options.stages the stages of each phase
 * @param options.order the phases in order; after the last one the next iteration begins
 * @param options.terminal what ends it, so that its key is done: phases (their completion), or single
 *   stages, also failures; a failure or rejection without a stage by its topic. @default nothing: it goes round
 * @param options.key a field, or a function of the result. @default "configKey"
 * @throws StageEventsError `INVALID_PIPELINE`, `INVALID_OPTION`
 * @example
 * const orders = definePipeline({
 *   stages: { picking: { complete: "picked" }, packing: { complete: "packed", failed: "damaged" } },
 *   order: ["picking", "packing"],
 *   terminal: ["packing", "damaged"],
 *   key: "orderId",
 * });
 */
export function definePipeline<D extends EventDefinitions, const Phase extends string>(options: {
  readonly catalogue: Catalogue<D>;
  readonly stages: Readonly<
    Record<NoInfer<Phase>, PhaseStages<EventName<StageContracts<NoInfer<D>>>>>
  >;
  readonly order: readonly Phase[];
  readonly terminal?: OneOrMore<NoInfer<Phase> | OutcomeName<NoInfer<D>>>;
  readonly key?: PipelineKey;
}): Pipeline<StageContracts<D>, Phase>;
export function definePipeline<
  const Phases extends Readonly<Record<string, PhaseStages>>,
>(options: {
  readonly catalogue?: undefined;
  readonly stages: Phases;
  readonly order: readonly (keyof Phases & string)[];
  readonly terminal?: OneOrMore<
    (keyof NoInfer<Phases> & string) | StandaloneStages<NoInfer<Phases>>
  >;
  readonly key?: PipelineKey;
}): Pipeline<StandaloneContracts<Phases>, keyof Phases & string>;
export function definePipeline(options: {
  readonly catalogue?: AnyCatalogue | undefined;
  readonly stages: Readonly<Record<string, PhaseStages>>;
  readonly order: readonly string[];
  readonly terminal?: OneOrMore<string> | undefined;
  readonly key?: PipelineKey;
}): Pipeline {
  const foreign = Object.keys(options).find((name) => !KNOWN.has(name));
  if (foreign !== undefined) {
    throw new StageEventsError(
      "INVALID_OPTION",
      `Option "${foreign}" is unknown. Use one of ${[...KNOWN].join(", ")}.`,
    );
  }
  const { stages, key = "configKey" } = options;
  const catalogue = options.catalogue ?? standaloneCatalogue(stages);
  const order = Object.freeze([...options.order]);
  const index = phaseIndex(catalogue, stages, order);
  const phaseOf = (stage: string): PhaseStage | undefined => index.get(stage);
  const continuous = new Set(order.filter((phase) => stages[phase]?.continuous));
  const terminal = terminalTopics(options.terminal, { catalogue, order, continuous, phaseOf });
  const ownKeyOf = (result: Readonly<Record<string, unknown>>): string | undefined => {
    const value = typeof key === "function" ? key(result) : result[key];
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  const keyOf = (result: Readonly<Record<string, unknown>>): string => ownKeyOf(result) ?? NO_KEY;
  return Object.freeze({ catalogue, order, continuous, terminal, phaseOf, keyOf, ownKeyOf });
}
