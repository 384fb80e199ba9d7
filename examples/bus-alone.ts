/** The topic bus by itself, in one process: patterns, priorities, failures, waiting. */
import { createEventBus } from "@ringrift/core-bus";

// Payload types are written once, here; everything below follows.
interface Topics {
  "order.placed": { id: string; cents: number };
  "order.paid": { id: string };
}

const bus = createEventBus<Topics>({
  // A handler's failure stops nobody else and rejects no publish. It ends up here.
  onError: (error) => console.log("reported:", error.message),
});

bus.subscribe("order.placed", (event) => console.log("ship", event.payload.id));
bus.subscribe("order.*", (event) => console.log("audit", event.topic), { priority: 10 });
bus.subscribe("order.placed", () => {
  throw new Error("the printer is out of paper");
});

// `where` decides which events a subscription is for, `once` ends it after the first of them.
bus.once("order.placed", (event) => console.log("big order:", event.payload.cents), {
  where: (event) => event.payload.cents >= 10_000,
});

const { delivered, errors } = await bus.publish("order.placed", { id: "A-1", cents: 25_000 });
console.log("delivered", delivered, "failed", errors.length);

// What a handler publishes belongs to the same trail, without passing anything on.
bus.once("order.placed", (event) => bus.publish("order.paid", { id: event.payload.id }));
const paid = bus.waitFor("order.paid", { timeoutMs: 5_000 });
const placed = await bus.publish("order.placed", { id: "A-2", cents: 500 });
console.log("same trail:", (await paid).correlationId === placed.event.correlationId);

console.log(
  "history:",
  bus.getHistory({ topic: "order.*" }).map((event) => event.topic),
);
await bus.close();
