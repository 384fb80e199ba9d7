/** The guide's coordinator: events flow between all three buses and to other processes. */
import { fork } from "node:child_process";
import { join } from "node:path";
import { getEventCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";

// The coordinator knows queues by their contract alone, so it is told which one to use.
const queue = new CrossProcessEventQueue("data/events.db");
const coordinator = getEventCoordinator({ queue });
await coordinator.start();

// Events automatically flow between buses:
// StageEventBus → DataEventBus → CrossProcessEventQueue
coordinator.bus.subscribe("training.completed", (event) => {
  console.log("Stage → Data:", event.topic, event.payload.configKey);
});
await coordinator.stages.emit({ stage: "training_complete", success: true, configKey: "hex8_2p" });

await coordinator.bus.publish("elo.updated", { modelId: "v3", oldElo: 1800, newElo: 1850 });
for (const event of await queue.receive()) {
  console.log("Data → CrossProcess:", event.type);
}

// The other way: another process knows nothing but the queue, and its event arrives on our bus.
const promoted = coordinator.bus.waitFor("model.promoted");
fork(join(import.meta.dirname, "cross-process-communication/send.ts"));
const event = await promoted;
console.log("CrossProcess → Data:", event.topic, event.payload.modelId, event.payload.elo);

await coordinator.close();
await queue.close();
console.log("Forwarded:", coordinator.stats().forwarded);
