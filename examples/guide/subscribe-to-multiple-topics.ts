/** The guide's subscription to several topics at once, by a regular expression. */
import { type BusEvent, getEventBus } from "@ringrift/core-bus";

const bus = getEventBus();

// Pattern matching. The guide's "training\\..*" is a regular expression, and here it is written as one.
bus.subscriber({ topicPattern: /training\..*/ })(async function handleTrainingEvents(event) {
  console.log("Training event:", event.topic);
  if (event.topic === "training.completed") {
    await notifyPromotionController(event);
  }
});

async function notifyPromotionController(event: BusEvent): Promise<void> {
  console.log("Promotion controller notified of", event.payload);
}

await bus.publish("training.started", { configKey: "hex8_2p" });
await bus.publish("training.completed", { configKey: "hex8_2p" });
await bus.publish("evaluation.completed", { configKey: "hex8_2p" });
