import { type Contracts, quoted } from "@ringrift/envelope";
import { StageEventsError } from "../errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Clock } from "../machine/clock.ts";
import type {
  DroppedKey,
  IllegalTransition,
  Stall,
  Transition,
} from "../machine/pipeline-tracker.ts";

/** What a tracker follows, how long phases may take, and who is told. */
export interface TrackerOptions<Phase extends string = string> {
  /** @default the pipeline of the stage bus, else `selfplayPipeline` */
  readonly pipeline?: Pipeline<Contracts, Phase> | undefined;
  /**
   * Longest time in each phase, in milliseconds; phases left out never stall. A phase that the history says
   * to be overdue is reported after 100 ms, unless it is over by then. @default none: no phase stalls
   */
  readonly stallAfterMs?: Readonly<Partial<Record<NoInfer<Phase>, number>>> | undefined;
  /**
   * How many keys are kept. When another one comes, a key that is done is dropped, else the one that moved
   * longest ago. @default 10_000
   */
  readonly maxKeys?: number | undefined;
  /** Told of each step of a key. @default nobody is told */
  readonly onTransition?: ((transition: Transition<Phase>) => void) | undefined;
  /** @default a process warning with code `RINGRIFT_PIPELINE_STALLED` */
  readonly onStall?: ((stall: Stall<Phase>) => void) | undefined;
  /** @default a process warning with code `RINGRIFT_PIPELINE_ILLEGAL` */
  readonly onIllegal?: ((illegal: IllegalTransition<Phase>) => void) | undefined;
  /**
   * Gets every key that is dropped. @default a process warning with code `RINGRIFT_PIPELINE_DROPPED` for the
   * first key that wasn't done, and again after a time in which there was room
   */
  readonly onDrop?: ((dropped: DroppedKey<Phase>) => void) | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

const MAX_KEYS = 10_000;
const LONGEST = 2 ** 31 - 1;
const KNOWN: ReadonlySet<string> = new Set([
  "clock",
  "maxKeys",
  "onDrop",
  "onIllegal",
  "onStall",
  "onTransition",
  "pipeline",
  "stallAfterMs",
]);

/**
 * Checks a tracker's options, and gives `maxKeys` with its default.
 *
 * @throws StageEventsError `INVALID_OPTION`
 */
export function readMaxKeys(options: TrackerOptions, { order }: Pipeline): number {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) {
      throw invalid(`Option "${name}" is unknown. Use one of ${[...KNOWN].join(", ")}.`);
    }
  }
  for (const [phase, limit] of Object.entries(options.stallAfterMs ?? {})) {
    if (!order.includes(phase)) {
      throw invalid(
        `"stallAfterMs" names "${phase}", which is not a phase. The phases are ${order.join(", ")}.`,
      );
    }
    if (!(typeof limit === "number" && limit > 0 && limit <= LONGEST)) {
      throw invalid(
        `"stallAfterMs.${phase}" is ${quoted(limit)}. Give milliseconds above 0, at most ${LONGEST}.`,
      );
    }
  }
  const { maxKeys = MAX_KEYS } = options;
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
    throw invalid(`Option "maxKeys" is ${quoted(maxKeys)}. Give a whole number from 1.`);
  }
  return maxKeys;
}

function invalid(message: string): StageEventsError {
  return new StageEventsError("INVALID_OPTION", message);
}
