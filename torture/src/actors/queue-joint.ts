/** A process that joins two queues, until it is told to end. */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { joinQueues } from "../bridge/join-queues.ts";
import type { JointOptions, Message } from "../bridge/orders.ts";
import type { Said } from "../bridge/said.ts";
import { Journal } from "../journal.ts";
import { actorOptions } from "./actor.ts";

const { by, name, paths, journals, leaseMs } = actorOptions() as JointOptions;
const journal = new Journal<Said>(journals, by);
const [from, to] = paths.map((path) => new CrossProcessEventQueue(path));
if (!from || !to) throw new Error(`A joint was told of ${paths.length} queues. Tell it of two.`);

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

async function quit(...queues: readonly CrossProcessEventQueue[]): Promise<void> {
  const joint = await joined;
  await joint.close();
  for (const queue of queues) await queue.close();
  process.disconnect();
}
