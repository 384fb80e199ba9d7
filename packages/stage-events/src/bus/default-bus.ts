import { createStageEventBus } from "./create-stage-bus.ts";
import type { SelfplayPhase, SelfplayStages } from "../pipeline/selfplay-pipeline.ts";
import type { StageEventBus } from "./stage-bus.ts";

type DefaultBus = StageEventBus<SelfplayStages, SelfplayPhase>;

/** On the global object, so that a reloaded or second copy of this package finds the same bus. */
const KEY = Symbol.for("@ringrift/stage-events/default/1");
// The cast is safe: only this module uses the key.
const holder = globalThis as { [KEY]?: DefaultBus | undefined };

/** The process's default stage bus, of the self-play pipeline; made at the first call. */
export function getStageEventBus(): DefaultBus {
  return (holder[KEY] ??= createStageEventBus());
}

/** Closes the default stage bus and forgets it: the next `getStageEventBus()` makes a new one. */
export function resetStageEventBus(): void {
  const bus = holder[KEY];
  holder[KEY] = undefined;
  void bus?.close();
}
