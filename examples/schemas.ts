/** Payloads checked where they are published, by the schemas of any library: here zod and valibot. */
import { createEventBus, PayloadError } from "@ringrift/core-bus";
import * as v from "valibot";
import { z } from "zod";

// Topics and payload types come from the schemas; nothing is written twice.
const bus = createEventBus({
  schemas: {
    "order.placed": z.object({
      id: z.string().regex(/^A-\d+$/, "an order number looks like A-17"),
      cents: z.int().positive(),
      currency: z.string().default("EUR"),
    }),
    "order.shipped": v.object({ id: v.string(), parcels: v.array(v.string()) }),
  },
});

bus.subscribe("order.placed", ({ payload }) =>
  console.log(`${payload.id}: ${payload.cents / 100} ${payload.currency}`),
);

// What came from outside is `unknown` until something has looked at it. `metadata` is the payload
// too, and here the bus is what looks.
async function take(body: string): Promise<void> {
  try {
    await bus.publish({ topic: "order.placed", metadata: JSON.parse(body) });
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    console.log(`${error.issues.length} issues.`, error.message);
  }
}

await take('{ "id": "A-1", "cents": 1999 }');
await take('{ "id": "17", "cents": 0.5 }');

const parcels = ["left", "right"];
await bus.publish("order.shipped", { id: "A-1", parcels });

console.log("kept:", bus.getHistory().length, "refused:", bus.stats().invalid);
await bus.close();
