/** Works on orders until it has had all four, and ends. */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { shop } from "./catalogue.ts";

const queue = new CrossProcessEventQueue("data/orders.db", { events: shop.queue });
let cents = 0;
let orders = 0;
const allThere = Promise.withResolvers<void>();

// Start as many of these processes as you like: within a group each event goes to one of them. When
// the handler has returned the event is done; if this process dies before, another one gets it.
queue.consume({ group: "billing" }, (event) => {
  cents += event.payload.cents;
  orders += 1;
  console.log(`consumer: billed ${event.payload.id}, attempt ${event.attempt}`);
  if (orders === 4) allThere.resolve();
});

await allThere.promise;
await queue.close(); // waits for the running handler and its ack
console.log(`consumer: ${cents} cents in ${orders} orders`);
