/** The guide's event history: look back, and replay the past to a new handler. */
import { type BusEvent, getEventBus } from "@ringrift/core-bus";

const bus = getEventBus();
for (const loss of [0.3, 0.2, 0.1]) await bus.publish("training.completed", { loss });
await bus.publish("evaluation.completed", { elo: 1850 });

// Get recent training events, newest first
const history = bus.getHistory({ topic: "training.completed", limit: 10 });
console.log(
  "History:",
  history.map((event) => event.payload),
);

function newHandler(event: BusEvent): void {
  console.log("Replayed:", event.payload);
}

// Replay events to a new handler, oldest first
const replayed = await bus.replay(newHandler, {
  topic: "training.completed",
  since: Date.now() - 3_600_000, // Last hour, in milliseconds
});
console.log("Events replayed:", replayed);
