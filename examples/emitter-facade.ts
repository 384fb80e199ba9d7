/** Code written for an event emitter, on a bus: patterns, history, and failures that stop nobody. */
import { EventEmitter } from "node:events";
import { createEventBus, fromEventEmitter, toEventEmitter } from "@ringrift/core-bus";

interface Topics {
  "order.placed": { id: string; cents: number };
  "order.paid": { id: string };
}

const bus = createEventBus<Topics>({
  onError: (error) => console.log("reported:", error.message),
});

// This line was `const events = new EventEmitter()`, of eventemitter3. What follows stays as it was.
const events = toEventEmitter(bus);

events.once("order.placed", (order) => console.log("first order:", order.id));
events.on("order.placed", function sendMail() {
  throw new Error("the mail server does not answer");
});
events.on("order.placed", (order) => console.log("ship", order.id));

// New: a pattern, whose listener asks the emitter which event it is being called for.
events.on("order.*", () => console.log("audit", events.event?.topic));

console.log("heard:", events.emit("order.placed", { id: "A-1", cents: 1999 }));

// The bus and the emitter hear each other, and the history has both sides' events.
await bus.publish("order.placed", { id: "A-2", cents: 500 });
events.removeAllListeners();

// The other direction: an emitter that stays what it is, and publishes all the same.
const terminal = new EventEmitter();
const forwarding = fromEventEmitter(terminal, bus, {
  "payment:done": { topic: "order.paid", payload: (id: string) => ({ id }) },
});
bus.subscribe("order.paid", (event) => console.log("paid", event.payload.id));
terminal.emit("payment:done", "A-1", "VISA");
forwarding();
terminal.emit("payment:done", "A-2", "VISA");

console.log(
  "history:",
  bus
    .getHistory()
    .map((event) => `${event.topic} ${event.payload.id}`)
    .join(", "),
);
await bus.close();
