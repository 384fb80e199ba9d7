/** Retries and dead letters: a handler fails for good, is fixed, and gets its event back. */
import { setTimeout as sleep } from "node:timers/promises";
import { createCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { PermanentError } from "@ringrift/event-queue";
import { defineCatalogue, event } from "@ringrift/mappings";

const shop = defineCatalogue({ "order.placed": event<{ id: string; email: string }>() });
const queue = new CrossProcessEventQueue("data/shop.db", { events: shop.queue });
// Without it, a few dead letters a minute are process warnings.
const onDeadLetter = () => {};
const events = createCoordinator({ catalogue: shop, queue, onDeadLetter });

let mailServer: "up" | "down" = "down";
const sent: string[] = [];

// Throwing means "again, later". After `maxAttempts` the event is set aside as a dead letter of this
// group, with its error; at once for a `PermanentError`, which says that trying again is useless.
events.handle(
  "order.placed",
  { group: "mailer", maxAttempts: 3, backoff: { initialMs: 20 } },
  ({ payload, attempt, redelivered }) => {
    if (!payload.email.includes("@")) throw new PermanentError(`"${payload.email}" is no address`);
    if (payload.id === "A-1" && mailServer === "down") {
      console.log(`${payload.id}: attempt ${attempt} failed`);
      throw new Error("the mail server does not answer");
    }
    sent.push(payload.id);
    console.log(`${payload.id}: mailed, redelivered: ${redelivered}`);
  },
);
await events.start();
await events.publish("order.placed", { id: "A-1", email: "ada@example.com" });
await events.publish("order.placed", { id: "A-2", email: "bob@example.com" }); // not held up by A-1
await events.publish("order.placed", { id: "A-3", email: "nobody" });

const letters = () => queue.deadLetters.list({ group: "mailer" });
while ((await letters()).length < 2) await sleep(20);

mailServer = "up"; // the fix; A-3 is beyond help
for (const { id, attempts, error } of await letters()) {
  console.log(`dead letter after ${attempts} attempt(s): ${error.message}`);
  const filter = { group: "mailer", id };
  if (error.name === "PermanentError") await queue.deadLetters.discard(filter);
  else console.log("redriven:", (await queue.deadLetters.redrive(filter)).count);
}
while (sent.length < 2) await sleep(20);

await events.close();
console.log(`dead letters left: ${(await letters()).length}`);
await queue.close();
