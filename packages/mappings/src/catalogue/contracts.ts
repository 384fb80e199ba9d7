import type { DefinedPayload, EventDefinition, EventDefinitions } from "./event.ts";
import type { SnakeName, UpperSnakeName } from "./names.ts";

/** Fields that every stage result may have, and that travel with it to its topic. */
export interface StageFields {
  /** Whether the stage did what it was for. */
  readonly success?: boolean;
  /** What the pipeline works on, e.g. `hex7_2p`. */
  readonly configKey?: string;
  /** Which turn of the pipeline this was. */
  readonly iteration?: number;
  /** Measurements by name. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Why it failed. */
  readonly error?: string;
}

type OptionsOf<D> = D extends EventDefinition<infer _, infer Options> ? Options : never;

type StageNames<D> =
  OptionsOf<D> extends { readonly stages: readonly (infer Stage extends string)[] } ? Stage : never;

type DataName<Topic extends string, D> =
  OptionsOf<D> extends { readonly data: infer Name extends string } ? Name : SnakeName<Topic>;

type QueueName<Topic extends string, D> =
  OptionsOf<D> extends { readonly local: true }
    ? never
    : OptionsOf<D> extends { readonly crossProcess: infer Name extends string }
      ? Name
      : UpperSnakeName<Topic>;

type FirstStage<D> =
  OptionsOf<D> extends { readonly stages: readonly [infer First extends string, ...string[]] }
    ? First
    : StageNames<D>;

type Target<Definitions, D, Kind extends "failure" | "rejection"> =
  OptionsOf<D> extends { readonly [K in Kind]: infer Topic extends keyof Definitions }
    ? Partial<DefinedPayload<Definitions[Topic]>>
    : unknown;

/** Topic → payload. */
export type TopicContracts<D extends EventDefinitions> = {
  [Topic in keyof D & string]: DefinedPayload<D[Topic]>;
};

/** Queue name → payload; local events have none. */
export type QueueContracts<D extends EventDefinitions> = {
  [Topic in keyof D & string as QueueName<Topic, D[Topic]>]: DefinedPayload<D[Topic]>;
};

/**
 * Stage → what a stage result may carry: the stage fields, and the fields of the topics it becomes
 * when it succeeds, fails or is rejected, none of them required (a failed training has no model).
 */
export type StageContracts<D extends EventDefinitions> = {
  [Topic in keyof D & string as StageNames<D[Topic]>]: StageFields &
    Partial<DefinedPayload<D[Topic]>> &
    Target<D, D[Topic], "failure"> &
    Target<D, D[Topic], "rejection">;
};

/** Stage → data-tier name. */
export type StageToData<D extends EventDefinitions> = {
  readonly [Topic in keyof D & string as StageNames<D[Topic]>]: DataName<Topic, D[Topic]>;
};

/** Stage → queue name, by way of the topic. */
export type StageToCrossProcess<D extends EventDefinitions> = {
  readonly [
    Topic in keyof D & string as OptionsOf<D[Topic]> extends { readonly local: true }
      ? never
      : StageNames<D[Topic]>
  ]: QueueName<Topic, D[Topic]>;
};

/** Data-tier name → queue name. */
export type DataToCrossProcess<D extends EventDefinitions> = {
  readonly [
    Topic in keyof D & string as OptionsOf<D[Topic]> extends { readonly local: true }
      ? never
      : DataName<Topic, D[Topic]>
  ]: QueueName<Topic, D[Topic]>;
};

/** Queue name → data-tier name. */
export type CrossProcessToData<D extends EventDefinitions> = {
  readonly [Topic in keyof D & string as QueueName<Topic, D[Topic]>]: DataName<Topic, D[Topic]>;
};

/** Data-tier name → the stage that stands for it. */
export type DataToStage<D extends EventDefinitions> = {
  readonly [
    Topic in keyof D & string as [StageNames<D[Topic]>] extends [never]
      ? never
      : DataName<Topic, D[Topic]>
  ]: FirstStage<D[Topic]>;
};
