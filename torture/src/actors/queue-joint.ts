/** A process that joins two queues, until it is told to end. */
import type { EventQueue } from "@ringrift/event-queue";
import { joinQueues } from "../bridge/join-queues.ts";
import type { JointOptions, Message } from "../bridge/orders.ts";
import type { Said } from "../bridge/said.ts";
import { Journal } from "../journal.ts";
import { openPlace } from "../queue-place.ts";
import { actorOptions } from "./actor.ts";

const { by, name, places, journals, leaseMs } = actorOptions() as JointOptions;
const journal = new Journal<Said>(journals, by);
const [from, to] = await Promise.all(places.map((place) => openPlace(place)));
if (!from || !to) throw new Error(`A joint was told of ${places.length} queues. Tell it of two.`);

const joined = joinQueues({
  name,
  from,
  to,
  leaseMs,
  onError: (error) => {
    const { code = "NO_CODE", message } = error as { code?: string; message: string };
    journal.write({ kind: "complaint", code, message });
  },
});
process.on("message", (message: Message) => {
  if (message.do === "quit") void quit(from, to);
});
await joined;
journal.write({ kind: "joined" });

async function quit(...queues: readonly EventQueue[]): Promise<void> {
  const joint = await joined;
  await joint.close();
  for (const queue of queues) await queue.close();
  process.disconnect();
}
