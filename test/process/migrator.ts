/**
 * Moves a queue, and says what it is about to do: `migrator.ts <from> <to>`. Each step waits a moment, so that whoever is told
 * of it can end this process in the middle of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type EventQueue, migrateQueue } from "@ringrift/event-queue";
import { MIGRATION, type QueueMigration } from "@ringrift/event-queue/backend";
import { openAt } from "./open-at.ts";

const [from = "", to = ""] = process.argv.slice(2);

async function tell(phase: string): Promise<void> {
  process.send?.({ phase });
  await sleep(3);
}

/** Tells of each call that a migration makes past the queue's contract. */
function told(queue: EventQueue): EventQueue {
  // The cast is safe: all queues of this workspace have it.
  const own = queue as EventQueue & { [MIGRATION](): QueueMigration };
  const port = own[MIGRATION]();
  const telling = new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]): Promise<unknown> => {
        await tell(String(name));
        return Reflect.apply(method, target, args);
      };
    },
  });
  Object.defineProperty(own, MIGRATION, { value: () => telling });
  return queue;
}

await tell("begin");
const result = await migrateQueue(told(openAt(from)), told(openAt(to)), {
  hold: () => tell("hold"),
  release: () => tell("release"),
});
process.send?.({ phase: "end", result });
