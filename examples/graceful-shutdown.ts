/** Graceful shutdown: on SIGTERM what is running finishes, and what is not begun stays for the next start. */
import { setTimeout as sleep } from "node:timers/promises";
import { createCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { defineCatalogue, event } from "@ringrift/mappings";

const jobs = defineCatalogue({ "video.uploaded": event<{ name: string }>() });
const queue = new CrossProcessEventQueue("data/jobs.db", { events: jobs.queue });
const events = createCoordinator({ catalogue: jobs, queue });

// What takes long gets the signal: it is aborted when a shutdown runs out of time.
events.handle(
  "video.uploaded",
  { group: "transcoder", from: "beginning" },
  async ({ payload }, { signal }) => {
    console.log("transcoding", payload.name);
    if (payload.name === "a.mp4") process.kill(process.pid, "SIGTERM"); // stands for the operator
    await sleep(300, undefined, { signal });
    console.log("done with", payload.name);
  },
);

// Once: a second SIGTERM ends the process at once, which loses nothing but time.
process.once("SIGTERM", () => void shutDown());

async function shutDown(): Promise<void> {
  console.log("SIGTERM: taking no new work");
  // Less than what the supervisor grants before it kills: Kubernetes waits 30 s, Docker 10 s.
  const { drained, left } = await events.close({ timeoutMs: 8_000 });
  console.log(`drained: ${drained}, left running: ${left}`);
  const group = (await queue.groups.list()).find(({ name }) => name === "transcoder");
  console.log(`waiting for the next start: ${group?.pending}`);
  await queue.close();
  // Nothing keeps the process alive any more, so it ends by itself: no process.exit.
}

// Three jobs wait already when this process starts.
const names = ["a.mp4", "b.mp4", "c.mp4"];
await queue.sendMany(names.map((name) => ({ type: "VIDEO_UPLOADED", payload: { name } })));
await events.start();
