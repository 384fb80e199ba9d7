/** Process A of the guide's cross-process communication: sends. */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";

// Process A: Send
const queue = new CrossProcessEventQueue("data/events.db");
await queue.send("MODEL_PROMOTED", { modelId: "v3", elo: 1850 });

console.log("Process A sent MODEL_PROMOTED");
await queue.close();
