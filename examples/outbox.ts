/** Outbox and inbox: rows and events in one transaction, an effect exactly once, an event for later. */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { defineCatalogue, event } from "@ringrift/mappings";

const shop = defineCatalogue({
  "order.placed": event<{ id: string; cents: number }>(),
  "order.reminder": event<{ id: string }>(),
});
const queue = new CrossProcessEventQueue("data/shop.db", { events: shop.queue });

await queue.transaction((tx) => {
  tx.database.exec("CREATE TABLE orders (id TEXT PRIMARY KEY, cents INTEGER)");
  tx.database.exec("CREATE TABLE ledger (order_id TEXT, cents INTEGER)");
});

// A transaction that fails leaves neither the row nor the event.
try {
  await queue.transaction((tx) => {
    tx.database.prepare("INSERT INTO orders VALUES (?, ?)").run("A-0", 1);
    tx.send("ORDER_PLACED", { id: "A-0", cents: 1 });
    throw new Error("no such customer");
  });
} catch (error) {
  console.log("refused:", error instanceof Error ? error.message : error);
}

// One that commits leaves both; what is to be said later waits in the file until then.
const orders = await queue.transaction((tx) => {
  tx.database.prepare("INSERT INTO orders VALUES (?, ?)").run("A-1", 1999);
  tx.send("ORDER_PLACED", { id: "A-1", cents: 1999 });
  tx.send("ORDER_REMINDER", { id: "A-1" }, { delayMs: 300 });
  return tx.database.prepare("SELECT id FROM orders").all().length;
});
console.log(`orders ${orders}, events ${(await queue.stats()).events}`);

// The row in the ledger and the ack are one transaction: whatever crashes, the row is there once.
const ledger = queue.consumeInTransaction(
  { group: "ledger", eventTypes: ["ORDER_PLACED"] },
  ({ payload }, tx) => {
    tx.database.prepare("INSERT INTO ledger VALUES (?, ?)").run(payload.id, payload.cents);
    console.log("ledger", payload.id, payload.cents);
  },
);
const reminded = Promise.withResolvers<void>();
const mailer = queue.consume({ group: "mailer", eventTypes: ["ORDER_REMINDER"] }, ({ payload }) => {
  console.log("reminded of", payload.id);
  reminded.resolve();
});
await reminded.promise;
await Promise.all([ledger.stop(), mailer.stop()]);
const rows = await queue.transaction(
  (tx) => tx.database.prepare("SELECT * FROM ledger").all().length,
);
console.log(`ledger has ${rows} row`);
await queue.close();
