import { PermanentError } from "@ringrift/event-queue";
import Database from "better-sqlite3";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

function rows(path: string, table: string): number {
  const database = new Database(path, { readonly: true });
  const { n } = database.prepare(`SELECT count(*) AS n FROM ringrift_${table}`).get() as {
    n: number;
  };
  database.close();
  return n;
}

test("a settled event leaves no row behind", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.sendMany(Array.from({ length: 50 }, (_, n) => ({ type: "A", payload: { n } })));
  const events = await queue.group("g").receive();
  expect([rows(path, "batches"), rows(path, "deliveries")]).toEqual([1, 0]);
  await Promise.all(events.map((event) => event.ack()));
  expect([rows(path, "batches"), rows(path, "deliveries")]).toEqual([0, 0]);
});

test("events that were leased together may be settled in any way", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const group = queue.group("g");
  await queue.sendMany(Array.from({ length: 10 }, (_, n) => ({ type: "A", payload: { n } })));
  const [first, second, third, ...others] = await group.receive();
  expect(await Promise.all([first?.ack(), second?.ack()])).toEqual([true, true]);
  expect(await third?.nack({ delayMs: 0, reason: "no" })).toBe(true);
  expect((await queue.groups.list())[0]).toMatchObject({ pending: 8, inFlight: 7, retrying: 1 });
  expect(await Promise.all(others.map((event) => event.ack()))).toEqual(others.map(() => true));
  const again = await group.receive();
  expect(again.map(({ position, attempt }) => [position, attempt])).toEqual([[3, 2]]);
  expect(await again[0]?.ack()).toBe(true);
  expect([rows(path, "batches"), rows(path, "deliveries")]).toEqual([0, 0]);
});

test("events with a key and without are leased and settled together", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const group = queue.group("g");
  await queue.sendMany(
    [undefined, "k", undefined, "l"].map((key) => ({ type: "A", payload: {}, key })),
  );
  const [first, ...others] = await group.receive();
  expect(await Promise.all(others.map((event) => event.ack()))).toEqual([true, true, true]);
  expect(await first?.ack()).toBe(true);
  expect([rows(path, "batches"), rows(path, "deliveries")]).toEqual([0, 0]);
});

test("who lost what was leased together acks none of it, and whoever has it now all of it", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const group = queue.group("g", { leaseMs: 20 });
  await queue.sendMany(Array.from({ length: 5 }, (_, n) => ({ type: "A", payload: { n } })));
  const lost = await group.receive();
  await new Promise((resolve) => setTimeout(resolve, 40));
  const taken = await group.receive({ leaseMs: 60_000 });
  expect(taken.map(({ position, attempt }) => [position, attempt])).toEqual(
    [1, 2, 3, 4, 5].map((position) => [position, 2]),
  );
  expect(await Promise.all(lost.map((event) => event.ack()))).toEqual(lost.map(() => false));
  expect(await Promise.all(taken.map((event) => event.ack()))).toEqual(taken.map(() => true));
});

test("an event that is redriven while it is leased again with others is not given to two", async () => {
  const queue = openQueue(tempPath());
  const group = queue.group("g", { maxAttempts: 1 });
  await queue.sendMany(Array.from({ length: 3 }, (_, n) => ({ type: "A", payload: { n } })));
  for (const event of await group.receive()) await event.nack({ reason: "no" });
  await queue.groups.seek("g", "beginning");
  const leased = await group.receive();
  expect(await queue.deadLetters.redrive({})).toEqual({ count: 3 });
  expect(await group.receive()).toEqual([]);
  expect(await Promise.all(leased.map((event) => event.ack()))).toEqual([true, true, true]);
});

test("what was leased together is not deleted by retention while one of it is unsettled", async () => {
  const queue = openQueue(tempPath(), { retentionMs: 0 });
  const group = queue.group("g");
  await queue.sendMany(Array.from({ length: 5 }, (_, n) => ({ type: "A", payload: { n } })));
  const leased = await group.receive();
  expect(leased).toHaveLength(5);
  expect((await queue.stats()).events).toBe(5);
  await Promise.all(leased.map((event) => event.ack()));
  expect((await queue.stats()).events).toBe(1);
});

test("a policy is stored in the file, and a member of another instance that requires another is refused", async () => {
  const path = tempPath();
  await openQueue(path)
    .group("g", { maxAttempts: 3, eventTypes: ["A"] })
    .ensure();
  const other = openQueue(path);
  await expect(
    other.group("g", { maxAttempts: 4, policy: "require" }).receive(),
  ).rejects.toMatchObject({
    code: "GROUP_CONFIG_MISMATCH",
  });
  expect(await other.group("g").ensure()).toMatchObject({
    created: false,
    maxAttempts: 3,
    eventTypes: ["A"],
  });
});

test("a late ack of a lease that another instance took over changes nothing and says so", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("A", {});
  const [late] = await queue.group("g").receive({ leaseMs: 20 });
  const [taken] = await openQueue(path).group("g").receive({ waitMs: 20_000 });
  expect(taken).toMatchObject({ attempt: 2 });
  expect(await late?.ack()).toBe(false);
  expect(await late?.extend(1_000)).toBe(false);
  expect(await taken?.ack()).toBe(true);
});

test("a lease of a group that was removed and made again is lost", async () => {
  const queue = openQueue(tempPath());
  await queue.send("A", {});
  const [late] = await queue.group("g").receive();
  await queue.groups.remove("g");
  const [fresh] = await queue.group("g").receive();
  expect(await late?.ack()).toBe(false);
  expect(await fresh?.ack()).toBe(true);
});

test("an event whose members die maxAttempts times becomes a dead letter that says so", async () => {
  const queue = openQueue(tempPath());
  const { id } = await queue.send("A", {});
  const group = queue.group("g", { maxAttempts: 2 });
  await group.receive({ leaseMs: 10 });
  await group.receive({ leaseMs: 10, waitMs: 20_000 });
  const letter = await until(async () => {
    await group.receive();
    return (await queue.deadLetters.list())[0];
  });
  expect(letter).toMatchObject({ id, attempts: 2, error: { code: "LEASE_EXPIRED" } });
  expect(letter.history.map(({ attempt }) => attempt)).toEqual([1, 2]);
});

test("what is stated while an event is leased holds for its nack, unless its member states otherwise", async () => {
  const queue = openQueue(tempPath());
  await queue.group("g", { maxAttempts: 1 }).ensure();
  await queue.sendMany([1, 2].map((n) => ({ type: "A", payload: { n } })));
  const [first] = await queue.group("g").receive({ limit: 1 });
  const [second] = await queue.group("g", { maxAttempts: 1 }).receive({ limit: 1 });
  await queue.group("g", { maxAttempts: 5 }).ensure();
  await first?.nack({ reason: "no", delayMs: 60_000 });
  await second?.nack({ reason: "no", delayMs: 60_000 });
  expect(await queue.deadLetters.list()).toMatchObject([{ payload: { n: 2 }, attempts: 1 }]);
  expect((await queue.groups.list())[0]).toMatchObject({ retrying: 1, deadLetters: 1 });
});

test("an event of a key waits for the one before it, its retries included, whoever asks", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  for (const n of [1, 2, 3]) await queue.send("A", { n }, { key: "k" });
  await queue.send("A", { n: "other" }, { key: "other" });
  await queue.send("A", { n: "free" });
  const left = queue.group("g");
  const right = openQueue(path).group("g");
  const [first, ...others] = await left.receive();
  expect([first, ...others].map((event) => event?.payload.n)).toEqual([1, "other", "free"]);
  expect(await right.receive()).toEqual([]);
  await first?.nack({ delayMs: 0 });
  const [again, ...more] = await right.receive({ waitMs: 20_000 });
  expect(again).toMatchObject({ payload: { n: 1 }, attempt: 2 });
  expect(more).toEqual([]);
  await again?.ack();
  const [second] = await left.receive();
  expect(second).toMatchObject({ payload: { n: 2 }, attempt: 1 });
  await second?.ack();
  expect(await right.receive()).toMatchObject([{ payload: { n: 3 }, attempt: 1 }]);
});

describe("when the clock is set back by two hours", () => {
  const { now } = Date;
  const setBack = (): void => {
    Date.now = () => now() - 7_200_000;
  };
  afterEach(() => {
    Date.now = now;
  });

  test("the next event of a key comes as soon as the one before it is settled", async () => {
    const queue = openQueue(tempPath());
    for (const n of [1, 2]) await queue.send("A", { n }, { key: "k" });
    const group = queue.group("g");
    const [first] = await group.receive();
    await first?.ack();
    setBack();
    expect(await group.receive()).toMatchObject([{ payload: { n: 2 } }]);
  });

  test("a redriven event comes at once", async () => {
    const queue = openQueue(tempPath());
    await queue.send("A", {});
    const group = queue.group("g", { maxAttempts: 1 });
    const [event] = await group.receive();
    await event?.nack({ reason: "no" });
    await queue.deadLetters.redrive({});
    setBack();
    expect(await group.receive()).toMatchObject([{ position: 1, redelivered: true }]);
  });
});

test("a redriven event that lies ahead, since the group was moved back, is pending once", async () => {
  const queue = openQueue(tempPath());
  const group = queue.group("g", { maxAttempts: 1 });
  await queue.send("A", {});
  const [event] = await group.receive();
  await event?.nack({ reason: "no" });
  await queue.groups.seek("g", "beginning");
  await queue.deadLetters.redrive({});
  expect(await queue.groups.list()).toMatchObject([{ pending: 1, deadLetters: 0 }]);
});

test.for([0, 500])(
  "a receive that buries an event gives the next one of its key, also behind %i others that it buries",
  async (count) => {
    const { now } = Date;
    onTestFinished(() => {
      Date.now = now;
    });
    const queue = openQueue(tempPath());
    const group = queue.group("g", { maxAttempts: 1 });
    const others = Array.from({ length: count }, (_, n) => ({ type: "A", payload: { n } }));
    const ofOneKey = ["first", "next"].map((n) => ({ type: "A", payload: { n }, key: "k" }));
    await queue.sendMany([...others, ...ofOneKey]);
    expect(await group.receive({ limit: 1_000, leaseMs: 1_000 })).toHaveLength(count + 1);
    Date.now = () => now() + 2_000;
    expect(await group.receive({ limit: 1 })).toMatchObject([{ payload: { n: "next" } }]);
    expect(await queue.deadLetters.list({ limit: 1_000 })).toHaveLength(count + 1);
  },
);

test("a redriven event ahead that is gone from the log hides no other one that is pending", async () => {
  const { now } = Date;
  let time = now();
  Date.now = () => time;
  onTestFinished(() => {
    Date.now = now;
  });
  const queue = openQueue(tempPath(), { retentionMs: 1_000 });
  const group = queue.group("g", { maxAttempts: 1, eventTypes: ["A"] });
  await queue.send("A", { n: 1 });
  await (await group.receive())[0]?.nack({ reason: "no" });
  time += 2_000;
  await queue.send("A", { n: 2 });
  await queue.groups.list();
  expect(await queue.history()).toHaveLength(1);
  await queue.groups.seek("g", "beginning");
  await queue.deadLetters.redrive({});
  expect(await queue.groups.list()).toMatchObject([{ pending: 2 }]);
  expect((await group.receive()).map(({ payload }) => payload.n)).toEqual([1, 2]);
});

test("an event of a key goes on when the one before it became a dead letter", async () => {
  const queue = openQueue(tempPath());
  for (const n of [1, 2]) await queue.send("A", { n }, { key: "k" });
  const group = queue.group("g", { maxAttempts: 1 });
  const [first] = await group.receive();
  await first?.nack({ reason: "no" });
  expect(await group.receive()).toMatchObject([{ payload: { n: 2 } }]);
});

test("an event of a key that waits for its retry goes first, also when one before it is redriven", async () => {
  const queue = openQueue(tempPath());
  for (const n of [1, 2]) await queue.send("A", { n }, { key: "k" });
  const group = queue.group("g");
  const [first] = await group.receive();
  await first?.nack({ reason: new PermanentError("no") });
  const [second] = await group.receive();
  await queue.deadLetters.redrive({});
  await second?.nack({ delayMs: 0 });
  const [again] = await group.receive();
  expect(again).toMatchObject({ payload: { n: 2 }, attempt: 2 });
  await again?.ack();
  expect(await group.receive()).toMatchObject([{ payload: { n: 1 }, redelivered: true }]);
});

test("a long run of one key doesn't hide the events behind it", async () => {
  const queue = openQueue(tempPath());
  const run = Array.from({ length: 2_500 }, (_, n) => ({ type: "A", payload: { n }, key: "k" }));
  await queue.sendMany(run);
  await queue.send("B", {});
  const group = queue.group("g");
  expect(await group.receive()).toMatchObject([{ payload: { n: 0 } }]);
  expect(await group.receive({ waitMs: 20_000 })).toMatchObject([{ type: "B" }]);
});

test("a group of rare types finds them in a busy log, in order", async () => {
  const queue = openQueue(tempPath());
  const busy = Array.from({ length: 2_000 }, (_, n) => ({
    type: n % 500 === 250 ? "RARE" : n % 500 === 100 ? "ODD" : "BUSY",
    payload: { n },
  }));
  await queue.sendMany(busy);
  const group = queue.group("g", { eventTypes: ["RARE", "ODD"] });
  const numbers = (await group.receive({ limit: 5 })).map(({ payload }) => payload.n);
  expect(numbers).toEqual([100, 250, 600, 750, 1100]);
  expect((await queue.groups.list())[0]).toMatchObject({ cursor: 1101, pending: 8, inFlight: 5 });
});

test("a group can be moved back and forth", async () => {
  const queue = openQueue(tempPath());
  await queue.sendMany([1, 2, 3].map((n) => ({ type: "A", payload: { n } })));
  const group = queue.group("g");
  const [event] = await group.receive();
  expect(await queue.groups.seek("g", { position: 2 })).toMatchObject({ cursor: 1, pending: 2 });
  expect(await event?.ack()).toBe(false);
  expect((await group.receive()).map(({ position }) => position)).toEqual([2, 3]);
  expect(await queue.groups.seek("g", { position: 1_000 })).toMatchObject({
    cursor: 3,
    pending: 0,
  });
  expect(await queue.send("A", {})).toMatchObject({ position: 4 });
  await expect(queue.groups.seek("none", "now")).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
});

test("a redriven event that was moved back over is delivered once", async () => {
  const queue = openQueue(tempPath());
  const group = queue.group("g", { maxAttempts: 1 });
  const { id } = await queue.send("A", {});
  const [event] = await group.receive();
  await event?.nack();
  await queue.groups.seek("g", "beginning");
  await queue.deadLetters.redrive({ id });
  expect(await group.receive()).toHaveLength(1);
  expect(await group.receive()).toEqual([]);
});

test("dead letters are taken in steps, up to a limit, and previewed", async () => {
  const queue = openQueue(tempPath());
  const group = queue.group("g", { maxAttempts: 1 });
  await queue.sendMany(Array.from({ length: 1_300 }, (_, n) => ({ type: "A", payload: { n } })));
  const events = await group.receive({ limit: 1_300 });
  await Promise.all(events.map((event) => event.nack({ reason: "no" })));
  expect(await queue.deadLetters.discard({ dryRun: true })).toEqual({ count: 1_300 });
  expect(await queue.deadLetters.discard({ limit: 100 })).toEqual({ count: 100 });
  expect(await queue.deadLetters.redrive({ group: "g" })).toEqual({ count: 1_200 });
  expect(await queue.deadLetters.list()).toEqual([]);
  expect(await group.receive({ limit: 10_000 })).toHaveLength(1_200);
});
