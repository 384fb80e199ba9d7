import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openQueue, tempPath } from "../temp-queue.ts";
import { Child } from "./child.ts";

const ROUNDS = 30;

test(
  "every event that a killed publisher was told is stored is there",
  { timeout: 60_000 },
  async () => {
    const path = tempPath();
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const publisher = new Child("publisher", { path, outstanding: 1 + (round % 3) * 5 });
      await publisher.count("stored", 1);
      await sleep(Math.random() * 30);
      await publisher.kill();
      acknowledged.push(...publisher.lines.flatMap(({ id }) => id ?? []));
    }
    const stored = new Map<string, number>();
    const queue = openQueue(path);
    for (const { id, position } of await queue.history({ limit: 100_000 }))
      stored.set(id, position);
    expect(acknowledged.length).toBeGreaterThan(ROUNDS);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    expect([...stored.values()]).toEqual(Array.from(stored.values(), (_, index) => index + 1));
  },
);

test(
  "an event whose consumer is killed between effect and ack comes again, with its id and attempt 2",
  {
    timeout: 60_000,
  },
  async () => {
    const path = tempPath();
    const queue = openQueue(path);
    const effects = new Map<string, number[]>();
    const sent: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      sent.push((await queue.send("WORK", { round })).id);
      const worker = new Child("worker", { path, group: "g", leaseMs: 150, lingerMs: 15 });
      const isNew = sent.at(-1);
      await worker.line(({ kind, id }) => kind === "handled" && id === isNew);
      // At random before the ack, while it is committed, or after it.
      await sleep(Math.random() * 25);
      await worker.kill();
      for (const { kind, id, attempt } of worker.lines) {
        if (kind !== "handled" || id === undefined || attempt === undefined) continue;
        effects.set(id, [...(effects.get(id) ?? []), attempt]);
      }
    }
    const last = new Child("worker", { path, group: "g", leaseMs: 150 });
    for (;;) {
      const [group] = await queue.groups.list();
      if (group?.pending === 0) break;
      await sleep(20);
    }
    await last.kill();
    for (const { kind, id, attempt } of last.lines) {
      if (kind === "handled" && id !== undefined && attempt !== undefined) {
        effects.set(id, [...(effects.get(id) ?? []), attempt]);
      }
    }
    expect([...effects.keys()].toSorted()).toEqual(sent.toSorted());
    const again = [...effects.values()].filter((attempts) => attempts.length > 1);
    expect(again.length).toBeGreaterThan(0);
    expect(again.every((attempts) => attempts.every((attempt, n) => attempt === n + 1))).toBe(true);
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
