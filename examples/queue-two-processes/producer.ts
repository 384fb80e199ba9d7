/** Sends three orders. Each is on the disk when its `send` has resolved. */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { shop } from "./catalogue.ts";

const queue = new CrossProcessEventQueue("data/orders.db", { events: shop.queue });

for (const id of ["A-1", "A-2", "A-3"]) {
  const { position } = await queue.send("ORDER_PLACED", { id, cents: 1999 });
  console.log(`producer: ${id} stored at position ${position}`);
}

// Somebody who tries again after an unclear answer gives a dedupe key: the log keeps the first one.
const order = { id: "A-4", cents: 2999 };
await queue.send("ORDER_PLACED", order, { dedupeKey: order.id });
const again = await queue.send("ORDER_PLACED", order, { dedupeKey: order.id });
console.log(`producer: ${order.id} sent twice, stored once: ${again.duplicate}`);

await queue.close();
