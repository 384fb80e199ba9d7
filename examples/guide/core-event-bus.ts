/** The guide's core event bus: subscribe by decorator or pattern, publish. */
import { getEventBus } from "@ringrift/core-bus";

const bus = getEventBus();

// Subscribe with decorator: @bus.subscribe("training.completed")
bus.subscriber("training.completed")(async function onTrainingCompleted(event) {
  console.log("Training done:", event.metadata);
});

// Subscribe with pattern: @bus.subscribe(EventFilter(topic_pattern="training.*"))
bus.subscriber({ topicPattern: "training.*" })(function onAnyTrainingEvent(event) {
  console.log("Any training event:", event.topic);
});

// Publish. The metadata alone is the event's payload too.
const delivery = await bus.publish({
  topic: "training.completed",
  metadata: { loss: 0.01 },
});

console.log("Handlers called:", delivery.delivered);
