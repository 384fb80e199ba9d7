import { type Contracts, type EventName, quoted } from "@ringrift/envelope";
import type { BusEvent, Metadata } from "@ringrift/core-bus";
import { type AnyCatalogue, didYouMean, isFailureStage } from "@ringrift/mappings";
import { StageEventsError } from "../errors.ts";

/** What a contract's fields are besides those that every result has. */
type OwnFields<Fields> = Omit<Fields, "error" | "metadata" | "stage" | "success">;

/**
 * How one stage ended: what `emit` takes. The fields are those of the stage's topic and of its
 * failure, none of them required but `success`.
 *
 * @example { stage: "training_complete", success: true, configKey: "hex7_2p", metrics: { accuracy: 0.85 } }
 */
export type StageEvent<C extends Contracts, S extends EventName<C> = EventName<C>> = {
  [Stage in S]: OwnFields<C[Stage]> & {
    readonly stage: Stage;
    /** Whether the stage did what it was for. */
    readonly success: boolean;
    /** Why not. Of an Error the message is kept: errors don't travel, texts do. */
    readonly error?: string | Error;
    /** Remarks that travel with the payload, also to other processes. JSON values. */
    readonly metadata?: Metadata;
  };
}[S];

/** A stage event as handlers get it: the same fields, `error` as a text. A frozen copy. */
export type StageResult<C extends Contracts, S extends EventName<C> = EventName<C>> = {
  [Stage in S]: Readonly<OwnFields<C[Stage]>> & {
    readonly stage: Stage;
    readonly success: boolean;
    readonly error?: string;
    readonly metadata?: Metadata;
  };
}[S];

/** Stage → result: the contract of the bus underneath a stage bus. */
export type StageResults<C extends Contracts> = {
  [Stage in EventName<C>]: StageResult<C, Stage>;
};

/** The event that carries a result: its id, time, source, correlation and causation. */
export type StageBusEvent<C extends Contracts, S extends EventName<C> = EventName<C>> = {
  [Stage in S]: BusEvent<Stage, StageResult<C, Stage>>;
}[S];

/** A result whose stage and fields nobody knows at compile time. */
export interface AnyStageResult {
  readonly stage: string;
  readonly success: boolean;
  readonly error?: string;
  readonly metadata?: Metadata;
  readonly [field: string]: unknown;
}

/**
 * Checks what somebody emits and copies it: undefined fields left out, an Error turned into its message.
 *
 * @throws StageEventsError `INVALID_RESULT`, `UNKNOWN_STAGE`, `MISSING_SUCCESS`, `SUCCESSFUL_FAILURE`
 */
export function readResult(given: unknown, catalogue: AnyCatalogue): AnyStageResult {
  if (!isRecord(given)) {
    throw new StageEventsError(
      "INVALID_RESULT",
      `Cannot emit ${quoted(given)}. Give an object { stage, success, … }.`,
    );
  }
  const { stage, success, error, metadata } = given;
  checkStage(stage, catalogue);
  if (typeof success !== "boolean") {
    throw new StageEventsError(
      "MISSING_SUCCESS",
      `The result of "${stage}" has ${success === undefined ? "no success" : `the success ${quoted(success)}`}. Say success: true or success: false: nobody may have to guess.`,
    );
  }
  if (success && isFailureStage(catalogue, stage)) {
    throw new StageEventsError(
      "SUCCESSFUL_FAILURE",
      `"${stage}" is a failure and cannot have success: true. Emit it with success: false, or the stage that succeeded.`,
    );
  }
  if (error !== undefined && typeof error !== "string" && !(error instanceof Error)) {
    throw invalidField(stage, "error", "a text or an Error");
  }
  if (metadata !== undefined && !isRecord(metadata)) {
    throw invalidField(stage, "metadata", "an object");
  }
  const result: Record<string, unknown> = hasUndefined(given)
    ? Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    : { ...given };
  if (error instanceof Error) result["error"] = error.message;
  return Object.freeze(result) as AnyStageResult;
}

function hasUndefined(given: Record<string, unknown>): boolean {
  for (const key in given) if (given[key] === undefined) return true;
  return false;
}

/**
 * Checks the name of a stage, and says which one was meant: another bus's spelling, or the nearest.
 *
 * @throws StageEventsError `UNKNOWN_STAGE`
 */
export function checkStage(stage: unknown, catalogue: AnyCatalogue): asserts stage is string {
  if (typeof stage === "string" && catalogue.entryForStage(stage)) return;
  throw new StageEventsError(
    "UNKNOWN_STAGE",
    `${quoted(stage)} is not a stage. ${typeof stage === "string" ? advice(stage, catalogue) : 'Give the name of one, e.g. "training_complete".'}`,
  );
}

function advice(stage: string, catalogue: AnyCatalogue): string {
  const meant = catalogue.stages.canonical(stage);
  if (meant !== undefined) return `On the stage bus that is "${meant}".`;
  const { names } = catalogue.stages;
  const near = didYouMean(stage, names);
  return near ?? `None of the ${names.size} stages is near it: stages.stats().stages lists them.`;
}

function invalidField(stage: string, field: string, wanted: string): StageEventsError {
  return new StageEventsError(
    "INVALID_RESULT",
    `The ${field} of the result of "${stage}" is not ${wanted}.`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
