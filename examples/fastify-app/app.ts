import { createCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import fastify from "fastify";
import { type Order, shop } from "./catalogue.ts";

const body = {
  type: "object",
  required: ["id", "cents"],
  properties: { id: { type: "string" }, cents: { type: "integer", minimum: 1 } },
};

/** Builds the web process: it stores orders as events and leaves the work to others. */
export async function buildApp(dbPath: string) {
  const queue = new CrossProcessEventQueue(dbPath, { events: shop.queue });
  const events = createCoordinator({ catalogue: shop, queue, node: "web-1" });
  await events.start();

  const app = fastify();
  app.post<{ Body: Order }>("/orders", { schema: { body } }, async (request, reply) => {
    // Resolves when the order is on the disk and rejects otherwise: 202 is a promise.
    // The order's id as dedupe key makes a client's second try harmless.
    const { id, duplicate } = await events.publish("order.placed", request.body, {
      dedupeKey: request.body.id,
    });
    return reply.code(duplicate ? 200 : 202).send({ event: id });
  });

  // Fastify has answered its open requests by now, so nobody publishes any more.
  app.addHook("onClose", async () => {
    await events.close({ timeoutMs: 5_000 });
    await queue.close();
  });
  return { app, events };
}
