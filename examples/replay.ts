/** Replay: what happened before somebody subscribed, from memory and from the log. */
import { createCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { defineCatalogue, event } from "@ringrift/mappings";

const shop = defineCatalogue({ "order.placed": event<{ id: string; cents: number }>() });
const queue = new CrossProcessEventQueue("data/shop.db", { events: shop.queue });

// Yesterday's process: it publishes three orders and ends.
const before = createCoordinator({ catalogue: shop, queue, node: "till-1" });
await before.start();
for (const [id, cents] of Object.entries({ "A-1": 100, "A-2": 200, "A-3": 300 })) {
  await before.publish("order.placed", { id, cents });
}
await before.close();

// Today's: another node, which fills its bus's history from the log when it starts.
const events = createCoordinator({
  catalogue: shop,
  queue,
  node: "shop-1",
  catchUp: { history: true },
});
await events.start();
console.log("newest:", events.bus.getHistory({ limit: 1 })[0]?.payload.id);

// Once over what is retained, oldest first.
const count = await events.bus.replay((e) => console.log("replayed", e.payload.id), {
  topic: "order.placed",
  since: Date.now() - 3_600_000,
});
console.log("events replayed:", count);

// The past first and then what comes, without a gap and without a duplicate.
let cents = 0;
events.bus.subscribe("order.placed", (e) => (cents += e.payload.cents), { replay: true });
await events.publish("order.placed", { id: "A-4", cents: 400 });
console.log("turnover:", cents);

// From the log itself: anybody may read it, in pieces, without an effect on anyone …
const stored = await queue.history({ eventTypes: ["ORDER_PLACED"], after: 2 });
console.log("in the log after position 2:", ...stored.map((e) => e.payload.id));

// … and a group can be sent back to do its work again, here from the first event on.
const ledger = queue.group("ledger", { from: "now" });
await ledger.ensure();
await queue.groups.seek("ledger", { position: 1 });
for (const leased of await ledger.receive())
  console.log("again:", leased.payload.id, await leased.ack());

await events.close();
await queue.close();
