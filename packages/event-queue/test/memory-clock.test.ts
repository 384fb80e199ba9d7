import { describe, expect, test } from "vitest";
import { MemoryEventQueue, MemoryLog } from "../src/index.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A queue whose time passes when a test says so. */
function atNoon(options: { dedupeWindowMs?: number; retentionMs?: number } = {}): {
  queue: MemoryEventQueue;
  pass(ms: number): void;
} {
  let now = Date.UTC(2026, 0, 1, 12);
  const queue = new MemoryEventQueue({ ...options, now: () => now });
  return {
    queue,
    pass: (ms) => {
      now += ms;
    },
  };
}

describe("the defaults of time", () => {
  test("a dedupe key is remembered for ten minutes", async () => {
    const { queue, pass } = atNoon();
    await queue.send("A", {}, { dedupeKey: "k" });
    pass(10 * MINUTE - 1);
    expect(await queue.send("A", {}, { dedupeKey: "k" })).toMatchObject({ duplicate: true });
    pass(1);
    expect(await queue.send("A", {}, { dedupeKey: "k" })).not.toHaveProperty("duplicate");
  });

  test("an event is retained for 24 hours, and longer while a group has not settled it", async () => {
    const { queue, pass } = atNoon();
    await queue.send("A", { n: 1 });
    pass(DAY);
    expect(await queue.history()).toHaveLength(1);
    pass(1);
    expect(await queue.history()).toEqual([]);
    expect((await queue.stats()).dropped).toEqual({ retention: 1 });

    await queue.group("mailer").ensure();
    await queue.send("A", { n: 2 });
    pass(2 * DAY);
    const [event] = await queue.group("mailer").receive();
    expect(event?.payload).toEqual({ n: 2 });
    pass(2 * DAY);
    expect(await event?.ack()).toBe(true);
    expect(await queue.history()).toEqual([]);
  });

  test("a lease is 30 seconds", async () => {
    const { queue, pass } = atNoon();
    await queue.send("A", {});
    const [first] = await queue.group("mailer").receive();
    pass(29_999);
    expect(await queue.group("mailer").receive()).toEqual([]);
    pass(1);
    const [second] = await queue.group("mailer").receive();
    expect(second).toMatchObject({ id: first?.id, attempt: 2 });
  });

  test("an event has five attempts, and the pauses between them grow from 100 ms", async () => {
    const { queue, pass } = atNoon();
    await queue.send("A", {});
    const group = queue.group("mailer");
    for (const pause of [100, 200, 400, 800]) {
      const [event] = await group.receive();
      await event?.nack();
      pass(pause * 0.8 - 1);
      expect(await group.receive()).toEqual([]);
      pass(pause * 0.2 + 1);
    }
    const [last] = await group.receive();
    expect(last?.attempt).toBe(5);
    await last?.nack({ reason: new Error("the fifth") });
    pass(DAY);
    expect(await group.receive()).toEqual([]);
    expect(await queue.deadLetters.list()).toMatchObject([
      { attempts: 5, error: { message: "the fifth" } },
    ]);
  });

  test("a node's group expires after seven days without service, with what it had pending", async () => {
    const { queue, pass } = atNoon();
    const group = queue.group("trainer");
    await queue.groups.claim("trainer", { holder: "a" });
    await group.ensure();
    pass(7 * DAY);
    expect(await queue.groups.list()).toHaveLength(1);
    await group.receive();
    pass(7 * DAY);
    await queue.send("A", {});
    expect(await queue.groups.list()).toHaveLength(1);
    pass(1);
    expect(await queue.groups.list()).toEqual([]);
    expect((await queue.stats()).dropped).toEqual({ "group-expired": 1 });
  });

  test("a group whose last dead letter is redriven doesn't expire in the middle of it", async () => {
    const { queue, pass } = atNoon();
    await queue.send("A", {});
    const [event] = await queue.group("mailer", { maxAttempts: 1 }).receive();
    await event?.nack({ reason: "no" });
    pass(8 * DAY);
    expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
    expect(await queue.groups.list()).toMatchObject([{ name: "mailer", pending: 1 }]);
  });

  test("a group was served when it was, also when the clock is set back", async () => {
    const { queue, pass } = atNoon();
    const group = queue.group("mailer");
    await group.receive();
    const [before] = await queue.groups.list();
    pass(-HOUR);
    await group.receive();
    expect((await queue.groups.list())[0]?.lastServedAt).toBe(before?.lastServedAt);
    pass(2 * HOUR);
    await group.receive();
    const served = (await queue.groups.list())[0]?.lastServedAt ?? 0;
    expect(served - (before?.lastServedAt ?? 0)).toBe(HOUR);
  });

  test("a claim ends ten seconds after its last renewal", async () => {
    const { queue, pass } = atNoon();
    const claim = await queue.groups.claim("trainer", { holder: "a" });
    pass(9_999);
    expect(await claim.renew()).toBe(true);
    pass(9_999);
    await expect(queue.groups.claim("trainer", { holder: "b" })).rejects.toMatchObject({
      code: "GROUP_CLAIMED",
    });
    pass(1);
    expect(await queue.groups.claim("trainer", { holder: "b" })).toMatchObject({ holder: "b" });
  });

  test("a dead letter keeps the last ten failures", async () => {
    const { queue } = atNoon();
    await queue.send("A", {});
    const group = queue.group("mailer", { maxAttempts: 12 });
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      const [event] = await group.receive();
      await event?.nack({ delayMs: 0, reason: `failure ${attempt}` });
    }
    const [letter] = await queue.deadLetters.list();
    expect(letter?.history.map(({ message }) => message)).toEqual(
      Array.from({ length: 10 }, (_, index) => `failure ${index + 3}`),
    );
  });
});

describe("options of the memory queue", () => {
  const refused: readonly (readonly [string, object])[] = [
    ["a misspelt option", { maxPayloadByte: 1 }],
    ["more than a mebibyte", { maxPayloadBytes: 1_048_577 }],
    ["an endless retention", { retentionMs: Number.POSITIVE_INFINITY }],
    ["a log together with its options", { log: new MemoryLog(), retentionMs: 1 }],
  ];
  test.each(refused)("%s is refused", (_, options) => {
    expect(() => new MemoryEventQueue(options)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
