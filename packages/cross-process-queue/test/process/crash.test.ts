import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "../temp-queue.ts";
import { Child } from "./child.ts";

/** 30 rounds in all: three files at once, since most of a round is waiting for a process to begin. */
const FILES = 3;
const ROUNDS = 10;

function onSeveralFiles<T>(scenario: (path: string) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: FILES }, () => scenario(tempPath())));
}

async function killPublishers(path: string): Promise<{ told: string[]; stored: string[] }> {
  const told: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const publisher = new Child("publisher", { path, outstanding: 1 + (round % 3) * 5 });
    await publisher.count("stored", 1);
    await sleep(Math.random() * 30);
    await publisher.kill();
    told.push(...publisher.lines.flatMap(({ id }) => id ?? []));
  }
  const events = await openQueue(path).history({ limit: 100_000 });
  return { told, stored: events.map(({ id }) => id) };
}

test(
  "every event that a killed publisher was told is stored is there, once",
  {
    timeout: 60_000,
  },
  async () => {
    for (const { told, stored } of await onSeveralFiles(killPublishers)) {
      expect(told.length).toBeGreaterThan(ROUNDS);
      const there = new Set(stored);
      expect(there.size).toBe(stored.length);
      expect(told.filter((id) => !there.has(id))).toEqual([]);
    }
  },
);

/** The attempts of each event that had an effect, in order. */
async function killConsumers(path: string): Promise<number[][]> {
  const queue = openQueue(path);
  const sent: string[] = [];
  const workers: Child[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const event = await queue.send("WORK", { round });
    sent.push(event.id);
    const worker = new Child("worker", { path, group: "g", leaseMs: 150, lingerMs: 15 });
    workers.push(worker);
    await worker.line(({ kind, id }) => kind === "handled" && id === event.id);
    // At random before the ack, while it is committed, or after it.
    await sleep(Math.random() * 25);
    await worker.kill();
  }
  workers.push(new Child("worker", { path, group: "g", leaseMs: 150 }));
  await until(async () => (await queue.groups.list())[0]?.pending === 0);
  await workers.at(-1)?.kill();
  const handled = workers.flatMap(({ lines }) => lines.filter(({ kind }) => kind === "handled"));
  return sent.map((id) =>
    handled.filter((line) => line.id === id).map(({ attempt }) => attempt ?? 0),
  );
}

test(
  "an event whose consumer is killed between effect and ack comes again, with its id and attempt 2",
  {
    timeout: 60_000,
  },
  async () => {
    const effects = (await onSeveralFiles(killConsumers)).flat();
    expect(effects).toHaveLength(FILES * ROUNDS);
    for (const attempts of effects) {
      // An attempt is missing where its worker was killed before it could write a line of it.
      expect(attempts).toEqual([...new Set(attempts)].toSorted((a, b) => a - b));
      expect(attempts[0] ?? 1).toBe(1);
    }
    expect(effects.filter((attempts) => attempts.length === 0)).toEqual([]);
    // Some were killed in time, or nothing was tested here.
    expect(effects.flat().length).toBeGreaterThan(effects.length);
  },
);

test("the children of a consumer killed between its send and its ack are not doubled", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const parents = await queue.sendMany(
    Array.from({ length: 5 }, (_, n) => ({ type: "PARENT", payload: { n } })),
  );
  const options = { path, group: "g", eventTypes: ["PARENT"], leaseMs: 150, sends: "CHILD" };
  const first = new Child("worker", { ...options, concurrency: 5, hang: true });
  await first.count("handled", 5);
  await first.kill();
  const second = new Child("worker", { ...options, concurrency: 5, stopAfter: 5 });
  const handled = await second.count("handled", 5);
  expect(handled.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 2, 2]);
  await second.line(({ kind }) => kind === "stopped");
  const children = await queue.history({ eventTypes: ["CHILD"] });
  expect(children).toHaveLength(5);
  expect(new Set(children.map(({ causationId }) => causationId))).toEqual(
    new Set(parents.map(({ id }) => id)),
  );
});
