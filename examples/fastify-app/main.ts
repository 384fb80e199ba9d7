/** A Fastify app that publishes durably in a route, and a worker process that does the work. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { buildApp } from "./app.ts";

const worker = fork(join(import.meta.dirname, "worker.ts"));
const { app, events } = await buildApp("data/shop.db");
const url = await app.listen({ host: "127.0.0.1", port: 0 });

// Every process is told what happens: here the web process hears that the worker is done.
const confirmed = events.bus.waitFor("order.confirmed", { timeoutMs: 30_000 });

const order = { id: "A-1", cents: 1999 };
for (const attempt of ["first", "second"]) {
  const response = await fetch(`${url}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  console.log(`web: ${attempt} request answered with ${response.status}`);
}

const { payload } = await confirmed;
console.log(`web: ${payload.id} confirmed in another process: ${payload.pid === worker.pid}`);

await app.close();
worker.kill("SIGTERM");
const [code] = await once(worker, "exit");
console.log(`worker: exit code ${code}`);
