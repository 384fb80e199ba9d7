/** The guide's stage event bus: a pipeline stage says that it is complete. */
import { getStageEventBus } from "@ringrift/stage-events";

const bus = getStageEventBus();

// The guide only emits; somebody has to listen for it to be seen.
bus.subscribe("training_complete", (result) => {
  console.log("Stage:", result.stage, "success:", result.success, "metrics:", result.metrics);
});

// Emit stage completion
await bus.emit({
  stage: "training_complete",
  success: true,
  metrics: { accuracy: 0.85 },
});

console.log(
  "Stages so far:",
  bus.getHistory().map((result) => result.stage),
);
