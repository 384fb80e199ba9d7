/** Process B of the guide's cross-process communication: receives. */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";

// Process B: Receive
const queue = new CrossProcessEventQueue("data/events.db");
const events = await queue.receive({ eventTypes: ["MODEL_PROMOTED"] });
for (const event of events) {
  syncModelToCluster(event.payload.modelId);
}

function syncModelToCluster(modelId: string): void {
  console.log("Process B syncs model", modelId);
}

await queue.close();
