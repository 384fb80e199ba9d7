/** Worker threads: each thread is a node with its own bus; one file joins them. */
import { isMainThread, parentPort, threadId, Worker } from "node:worker_threads";
import { createCoordinator } from "@ringrift/coordinator";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { defineCatalogue, event } from "@ringrift/mappings";

const images = defineCatalogue({
  "image.uploaded": event<{ name: string; pixels: number }>(),
  "image.resized": event<{ name: string; pixels: number; thread: number }>(),
});

// Every thread opens its own queue and coordinator: handles are not shared between threads.
const queue = new CrossProcessEventQueue("data/images.db", { events: images.queue });
const events = createCoordinator({ catalogue: images, queue });

if (isMainThread) await upload();
else await work();

async function upload(): Promise<void> {
  const workers = [1, 2].map(() => new Worker(new URL(import.meta.url)));
  await events.start();
  const names = ["a.png", "b.png", "c.png", "d.png"];
  const resized = new Set<string>();
  const allResized = Promise.withResolvers<void>();
  events.bus.subscribe("image.resized", ({ payload }) => {
    console.log(
      `${payload.name}: ${payload.pixels} pixels, in another thread: ${payload.thread !== threadId}`,
    );
    resized.add(payload.name);
    if (resized.size === names.length) allResized.resolve();
  });
  for (const name of names) await events.publish("image.uploaded", { name, pixels: 1_000_000 });
  await allResized.promise;
  for (const worker of workers) worker.postMessage("stop");
  await events.close();
  await queue.close();
  console.log("images resized:", resized.size);
}

async function work(): Promise<void> {
  // The threads share the work: each image goes to one of them.
  events.handle("image.uploaded", { group: "resizer", from: "beginning" }, async ({ payload }) => {
    const { name, pixels } = payload;
    await events.publish("image.resized", { name, pixels: pixels / 100, thread: threadId });
  });
  await events.start();
  parentPort?.once("message", () => void events.close().then(() => queue.close()));
}
