/** The worker process: confirms orders. Start as many as you like, they share the work. */
import { createCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { shop } from "./catalogue.ts";

const queue = new CrossProcessEventQueue("data/shop.db", { events: shop.queue });
const events = createCoordinator({ catalogue: shop, queue });

// Acked when it returns, tried again when it throws. Should this process die in between, another
// worker gets the order; what it publishes is stored once all the same. The first worker of all finds
// the orders that were placed before it came.
events.handle(
  "order.placed",
  { group: "confirmation", from: "beginning" },
  async ({ payload, attempt }) => {
    console.log(`worker: confirming ${payload.id}, attempt ${attempt}`);
    await events.publish("order.confirmed", { id: payload.id, pid: process.pid });
  },
);

process.once("SIGTERM", () => void events.close({ timeoutMs: 5_000 }).then(() => queue.close()));
await events.start();
