import { printable, quoted } from "@ringrift/envelope";
import type { IllegalReason, MachineState } from "../machine/machine.ts";
import type { Stall, TrackedState, Transition } from "../machine/pipeline-tracker.ts";

const ADVICE: Readonly<Record<IllegalReason, string>> = {
  skipped: "An earlier phase is missing; it goes on from there.",
  repeated: "That phase was over; it goes on from there.",
  late: "That iteration is over; it changes nothing.",
  unfinished: "The present iteration was not finished; it goes on from there.",
  unknown: "It goes on from there.",
};

/** Characters of a key that are shown. */
const LONGEST = 256;

/** What the step found. */
export interface Found {
  readonly before: MachineState;
  /** What the event said. */
  readonly iteration: number | undefined;
}

/** Says what is wrong with a step. */
export function describeIllegal(
  { key, from, stage }: Transition,
  reason: IllegalReason,
  { before, iteration }: Found,
): string {
  const which = iteration === undefined ? "" : ` of iteration ${iteration}`;
  const place = `of iteration ${before.iteration}`;
  if (reason === "unknown") {
    return `Pipeline ${quoted(key, LONGEST)} is in its middle with ${quoted(stage)}${which}, and what came before was not heard. ${ADVICE[reason]}`;
  }
  if (before.run === "done" && reason === "late") {
    return `Pipeline ${quoted(key, LONGEST)} was done with ${quoted(from)} ${place} when ${quoted(stage)}${which} came. It changes nothing: forget(${quoted(key, LONGEST)}) lets it begin anew, and so does a higher iteration.`;
  }
  return `Pipeline ${quoted(key, LONGEST)} stood in ${quoted(from)} ${place} when ${quoted(stage)}${which} came. ${ADVICE[reason]}`;
}

/** Says how long a phase has been running. */
export function describeStall(
  key: string,
  { stage, iteration, since, failure }: MachineState,
  limit: number,
): Stall {
  const after = failure
    ? ` after ${quoted(failure.stage)} (${printable(failure.error ?? "no error given")})`
    : "";
  const message = `Pipeline ${quoted(key, LONGEST)} has been in ${quoted(stage)} of iteration ${iteration} for more than ${limit} ms${after}.`;
  return { key, stage, iteration, since, failure, message };
}

/** Says what is lost with a key that has to go. */
export function describeDropped(
  key: string,
  { stage, iteration, done }: TrackedState,
  maxKeys: number,
): string {
  const place = `${quoted(stage)} of iteration ${iteration}`;
  return done
    ? `Pipeline ${quoted(key, LONGEST)} was done, and was dropped for another one: ${maxKeys} keys are kept.`
    : `Pipeline ${quoted(key, LONGEST)} was dropped in ${place}, since ${maxKeys} others are running and it moved longest ago; it can't stall any more. Raise "maxKeys", call forget() for what is over, or let definePipeline say with "terminal" what ends it.`;
}
