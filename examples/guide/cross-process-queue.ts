/** The guide's cross-process queue: send to other processes, receive from them. */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";

const queue = new CrossProcessEventQueue("data/events.db");

// Send event to other processes
await queue.send("TRAINING_COMPLETED", { config: "hex8_2p" });

// Receive events
const events = await queue.receive({ eventTypes: ["TRAINING_COMPLETED"] });

for (const event of events) console.log("Received:", event.type, event.payload);
await queue.close();
