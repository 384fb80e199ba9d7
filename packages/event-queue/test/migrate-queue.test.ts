import { expect, test } from "vitest";
import { MemoryEventQueue, MemoryLog, migrateQueue } from "../src/index.ts";

const HOUR_MS = 3_600_000;

function numbered(count: number): { readonly type: string; readonly payload: unknown }[] {
  return Array.from({ length: count }, (_, n) => ({ type: "A", payload: { n } }));
}

test("until a move is done the old queue keeps what isn't carried, whatever its retention", async () => {
  let now = 1_000_000;
  const log = new MemoryLog({ now: () => now, retentionMs: HOUR_MS });
  const old = new MemoryEventQueue({ log });
  const next = new MemoryEventQueue();
  await old.sendMany(numbered(3));
  const broken = migrateQueue(old, next, {
    hold: () => {
      throw new Error("A producer didn't stop.");
    },
  });
  await expect(broken).rejects.toThrow("A producer didn't stop.");
  expect(await old.groups.list()).toMatchObject([
    { name: `migration:${await next.id()}`, kind: "reader" },
  ]);
  await old.sendMany(numbered(2));
  now += 2 * HOUR_MS;
  expect((await old.stats()).events).toBe(5);
  expect(await migrateQueue(old, next, { hold: () => {} })).toMatchObject({ verified: 5 });
  expect(await old.groups.list()).toEqual([]);
  expect((await old.stats()).events).toBe(0);
});

test("a move holds no sender of the old queue back, though its own group is far behind", async () => {
  const old = new MemoryEventQueue({ maxBacklog: 10, backlogWaitMs: 0 });
  const next = new MemoryEventQueue({ maxBacklog: 10, backlogWaitMs: 0 });
  await old.sendMany(numbered(2_000));
  const sends: Promise<unknown>[] = [];
  let isHeld = false;
  const result = await migrateQueue(old, next, {
    hold: async () => {
      isHeld = true;
      await Promise.all(sends);
    },
    onProgress: () => {
      if (!isHeld) sends.push(old.send("B", {}));
    },
  });
  expect(sends.length).toBeGreaterThan(0);
  expect(result.verified).toBe(2_000 + sends.length);
});

test("an event that the new queue will never take is named, and what was carried stays", async () => {
  const old = new MemoryEventQueue();
  const next = new MemoryEventQueue({ maxPayloadBytes: 100 });
  await old.sendMany(numbered(3));
  const large = await old.send("LARGE", "x".repeat(200));
  await old.sendMany(numbered(3));
  const failure: unknown = await migrateQueue(old, next, { hold: () => {} }).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({
    code: "MIGRATION_REFUSED",
    message: expect.stringContaining(large.id),
    cause: { code: "PAYLOAD_TOO_LARGE" },
  });
  expect((await next.history()).length).toBeGreaterThanOrEqual(3);
});

test("a delayed event that fell due in the new queue first, after a move that was given up, is lost to no group", async () => {
  let now = 1_000_000;
  const old = new MemoryEventQueue({ log: new MemoryLog({ now: () => now }) });
  const next = new MemoryEventQueue();
  await old.group("g").ensure();
  await old.send("A", { n: 1 });
  const late = await old.send("A", { n: 2 }, { delayMs: HOUR_MS });
  const release = (): void => {
    throw new Error("The new queue isn't open yet.");
  };
  // By the old queue's clock it is due long ago: so it is in the new log at once.
  await expect(migrateQueue(old, next, { hold: () => {}, release })).rejects.toThrow("open yet");
  await old.send("A", { n: 3 });
  now += 2 * HOUR_MS;
  await old.send("A", { n: 4 });
  expect(await migrateQueue(old, next, { hold: () => {} })).toMatchObject({ verified: 4 });
  expect((await next.history()).map(({ payload }) => payload.n)).toEqual([1, 2, 3, 4]);
  expect((await old.history()).map(({ id }) => id).indexOf(late.id)).toBe(2);
  const group = next.group("g");
  expect((await group.receive()).map(({ payload }) => payload.n)).toEqual([1, 2, 3, 4]);
});

test("groups of bridges into the new queue and of other moves stay behind", async () => {
  const old = new MemoryEventQueue();
  const next = new MemoryEventQueue();
  const target = await next.id();
  for (const name of [`bridge:x:${target}`, "bridge:x:elsewhere", "migration:elsewhere", "g"]) {
    await old.group(name).ensure();
  }
  const { groups } = await migrateQueue(old, next, { hold: () => {} });
  expect(groups).toEqual(["bridge:x:elsewhere", "g"]);
});

test("a reading group goes on as one, and a paused one stays paused", async () => {
  const old = new MemoryEventQueue();
  const next = new MemoryEventQueue();
  await old.groups.claim("node", { holder: "n", ttlMs: 60_000 });
  await old.group("node").ensure();
  await old.group("paused", { maxAttempts: 9 }).ensure();
  await old.groups.configure("paused", { paused: true, holdMs: 5_000, handlerTimeoutMs: 7_000 });
  await migrateQueue(old, next, { hold: () => {} });
  expect(await next.groups.list()).toMatchObject([
    { name: "node", kind: "reader", claimedBy: undefined },
    {
      name: "paused",
      kind: "work",
      paused: true,
      holdMs: 5_000,
      handlerTimeoutMs: 7_000,
      maxAttempts: 9,
    },
  ]);
});
