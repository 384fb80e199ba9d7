import { onTestFinished } from "vitest";
import {
  createStageEventBus,
  type IllegalTransition,
  type SelfplayPhase,
  type Stall,
  trackPipeline,
  type TrackerOptions,
  type Transition,
} from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";

/** The key that these tests track. */
export const KEY = "hex7_2p";
/** One iteration. */
export const CHAIN = [
  "selfplay_complete",
  "sync_complete",
  "training_complete",
  "evaluation_complete",
  "promotion_complete",
] as const;

type Stage =
  | (typeof CHAIN)[number]
  | "canonical_selfplay_complete"
  | "cmaes_complete"
  | "promotion_rejected"
  | "selfplay_failed"
  | "training_failed"
  | "training_started";
/** A tracked stage bus on which time stands still. */
export function tracked(options: TrackerOptions<SelfplayPhase> = {}) {
  const clock = new FakeClock();
  const stages = createStageEventBus();
  const transitions: Transition<SelfplayPhase>[] = [];
  const illegal: IllegalTransition<SelfplayPhase>[] = [];
  const stalls: Stall<SelfplayPhase>[] = [];
  const tracker = trackPipeline(stages, {
    clock,
    onTransition: (transition) => transitions.push(transition),
    onIllegal: (transition) => illegal.push(transition),
    onStall: (stall) => stalls.push(stall),
    ...options,
  });
  onTestFinished(() => tracker.stop());
  const emit = (
    stage: Stage,
    fields: { iteration?: number; error?: string; success?: boolean } = {},
  ) => stages.emit({ stage, success: true, configKey: KEY, ...fields });
  const fail = (stage: Stage, error?: string) =>
    stages.emit({ stage, success: false, configKey: KEY, ...(error !== undefined && { error }) });
  return { clock, stages, tracker, transitions, illegal, stalls, emit, fail };
}
