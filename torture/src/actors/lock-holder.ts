import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { Journal } from "../journal.ts";
import { type ActorOptions, actorOptions } from "./actor.ts";

/**
 * Stops itself in the middle of a transaction of the queue, again and again: a row is written and an event is sent, and
 * nothing is committed. Somebody else wakes it, or ends it.
 */
const { path, journals, by } = actorOptions() as ActorOptions;
const queue = new CrossProcessEventQueue(path);
const journal = new Journal(journals, by);
for (let n = 1; ; n += 1) {
  journal.write({ kind: "attempt", n, key: "" });
  const { id, position } = await queue.transaction((tx) => {
    tx.database.exec("CREATE TABLE IF NOT EXISTS effects (id TEXT NOT NULL)");
    const event = tx.send("EFFECT", { from: by, n });
    tx.database.prepare("INSERT INTO effects (id) VALUES (?)").run(event.id);
    process.kill(process.pid, "SIGSTOP");
    return event;
  });
  journal.write({ kind: "sent", n, id, position });
  await sleep(50);
}
