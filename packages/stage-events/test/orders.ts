import { onTestFinished } from "vitest";
import {
  createStageEventBus,
  definePipeline,
  type DroppedKey,
  type IllegalTransition,
  type Stall,
  trackPipeline,
  type TrackerOptions,
} from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";

/** An order: picked, packed, and then done; done too when it is damaged. */
export const orderPipeline = definePipeline({
  stages: {
    picking: { complete: "picked", started: "picking_started" },
    packing: { complete: "packed", failed: "damaged" },
  },
  order: ["picking", "packing"],
  terminal: ["packing", "damaged"],
  key: "orderId",
});

type Phase = "packing" | "picking";
type Stage = "damaged" | "packed" | "picked" | "picking_failed" | "picking_started";

/** A tracked stage bus of orders on which time stands still. */
export function trackedOrders(options: TrackerOptions<Phase> = {}) {
  const clock = new FakeClock();
  const stages = createStageEventBus({ pipeline: orderPipeline });
  const illegal: IllegalTransition<Phase>[] = [];
  const stalls: Stall<Phase>[] = [];
  const dropped: DroppedKey<Phase>[] = [];
  const tracker = trackPipeline(stages, {
    clock,
    onIllegal: (transition) => illegal.push(transition),
    onStall: (stall) => stalls.push(stall),
    onDrop: (key) => dropped.push(key),
    ...options,
  });
  onTestFinished(() => tracker.stop());
  const emit = (stage: Stage, orderId: string, fields: { iteration?: number } = {}) =>
    stages.emit({
      stage,
      success: stage !== "damaged" && stage !== "picking_failed",
      orderId,
      ...fields,
    });
  return { clock, stages, tracker, illegal, stalls, dropped, emit };
}
