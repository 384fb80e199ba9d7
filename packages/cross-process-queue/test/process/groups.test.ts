import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "../temp-queue.ts";
import { Child, type Line } from "./child.ts";

async function settled(queue: ReturnType<typeof openQueue>, group: string): Promise<void> {
  await until(async () => {
    const info = (await queue.groups.list()).find(({ name }) => name === group);
    return info !== undefined && info.pending === 0;
  });
}

/**
 * What workers have handled once their group has settled. The file may tell of the last ack before the pipe of the
 * worker has told of what was handled, so this waits for as many as there have to be; more are seen all the same.
 */
async function handledBy(workers: readonly Child[], count: number): Promise<Line[]> {
  const all = (): Line[] =>
    workers.flatMap(({ lines }) => lines.filter(({ kind }) => kind === "handled"));
  await until(() => all().length >= count);
  return all();
}

function idsOf(child: Child): string[] {
  return child.lines.flatMap(({ kind, id }) =>
    kind === "handled" && id !== undefined ? [id] : [],
  );
}

test("two groups in two processes see every event", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const workers = ["left", "right"].map((group) => new Child("worker", { path, group }));
  await Promise.all(workers.map((worker) => worker.line(({ kind }) => kind === "ready")));
  const sent = await queue.sendMany(
    Array.from({ length: 40 }, (_, n) => ({ type: "TICK", payload: { n } })),
  );
  const ids = sent.map(({ id }) => id);
  for (const worker of workers) {
    await worker.count("handled", 40);
    expect(idsOf(worker)).toEqual(ids);
  }
});

test("two members of a group in two processes share its events without overlap", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const workers = [1, 2].map(() => new Child("worker", { path, group: "shared", lingerMs: 5 }));
  await Promise.all(workers.map((worker) => worker.line(({ kind }) => kind === "ready")));
  for (let n = 0; n < 40; n += 1) await queue.send("TICK", { n });
  await settled(queue, "shared");
  await handledBy(workers, 40);
  const shares = workers.map((worker) => idsOf(worker));
  expect(new Set(shares.flat()).size).toBe(40);
  expect(shares.flat()).toHaveLength(40);
  expect(shares.map((share) => share.length > 0)).toEqual([true, true]);
});

test(
  "eight processes with one group work 200 events 200 times in all",
  { timeout: 60_000 },
  async () => {
    const path = tempPath();
    const queue = openQueue(path);
    const workers = Array.from({ length: 8 }, () => new Child("worker", { path, group: "g" }));
    const sent = await Promise.all(
      Array.from({ length: 200 }, (_, n) => queue.send("TICK", { n }, { key: `key-${n % 20}` })),
    );
    await settled(queue, "g");
    const handled = await handledBy(workers, 200);
    expect(handled).toHaveLength(200);
    expect(new Set(handled.map(({ id }) => id))).toEqual(new Set(sent.map(({ id }) => id)));
    expect(handled.every(({ attempt }) => attempt === 1)).toBe(true);
  },
);

test("a poison event becomes a dead letter after maxAttempts and delays nobody", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const worker = new Child("worker", { path, group: "g", poison: true, maxAttempts: 3 });
  const bad = await queue.send("WORK", { poison: true });
  const good = await queue.sendMany(
    Array.from({ length: 100 }, (_, n) => ({ type: "WORK", payload: { n } })),
  );
  await worker.count("handled", 100);
  expect(idsOf(worker)).toEqual(good.map(({ id }) => id));
  const letter = await until(async () => (await queue.deadLetters.list())[0]);
  expect(letter).toMatchObject({
    id: bad.id,
    group: "g",
    attempts: 3,
    error: { message: "poison" },
  });
  expect(letter.history.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
});

test("a handler that runs longer than the lease is not redelivered", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const options = { path, group: "g", leaseMs: 200, lingerMs: 1500 };
  const workers = [1, 2].map(() => new Child("worker", options));
  await Promise.all(workers.map((worker) => worker.line(({ kind }) => kind === "ready")));
  await queue.send("SLOW", {});
  await settled(queue, "g");
  expect(await handledBy(workers, 1)).toHaveLength(1);
});

test("a process that only consumes stays alive, hears of a later event, and ends by itself after stop", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const worker = new Child("worker", { path, group: "g", stopAfter: 1 });
  await worker.line(({ kind }) => kind === "ready");
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const { id } = await queue.send("LATE", {});
  await worker.line((line) => line.kind === "handled" && line.id === id);
  expect(await worker.end()).toBe(0);
  expect(worker.lines.at(-1)).toEqual({ kind: "stopped" });
});

test("a script that only sends ends by itself without closing", async () => {
  const path = tempPath();
  const publisher = new Child("publisher", { path, count: 3 });
  expect(await publisher.end()).toBe(0);
  expect(await openQueue(path).history()).toHaveLength(3);
});
