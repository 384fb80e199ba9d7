import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "../temp-queue.ts";

test("worker threads share a queue as processes do, and each ends by itself", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.group("threads", { eventTypes: ["WORK"] }).ensure();
  const file = new URL("fixtures/thread.ts", import.meta.url);
  const execArgv = ["--conditions=@ringrift/source"];
  const workers = [1, 2].map(() => new Worker(file, { workerData: { path }, execArgv }));
  const handled: unknown[] = [];
  for (const worker of workers) worker.on("message", (id) => handled.push(id));
  const sent = await queue.sendMany(
    Array.from({ length: 20 }, (_, n) => ({ type: "WORK", payload: { n } })),
  );
  await until(() => handled.length === sent.length);
  expect(new Set(handled)).toEqual(new Set(sent.map(({ id }) => id)));
  const echoes = await queue.history({ eventTypes: ["ECHO"] });
  expect(echoes).toHaveLength(20);
  const ends = workers.map((worker) => once(worker, "exit"));
  for (const worker of workers) worker.postMessage("stop");
  expect(await Promise.all(ends)).toEqual([[0], [0]]);
});
