import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect } from "vitest";
import type { EventQueue } from "../../contract/event-queue.ts";
import { PermanentError } from "../../failures/errors.ts";
import type { DeadLetterNotice } from "../../failures/dead-letter-notices.ts";
import type { FailedAttempt } from "../../consuming/attempt-channel.ts";
import {
  PAID,
  PLACED,
  receiveAll,
  receiveOne,
  sendNumbered,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";

const SOON = { initialMs: 0, maxMs: 0 };

export function burying(test: TestCase): void {
  test("after maxAttempts nacks an event is a dead letter with its error and history", async (lab) => {
    const queue = lab.open();
    const sent = await queue.send(PLACED, { n: 1 }, { key: "k", headers: { tenant: "acme" } });
    const group = queue.group("mailer", { maxAttempts: 3, backoff: SOON });
    for (const attempt of [1, 2, 3]) {
      const event = await receiveOne(group);
      expect(event.attempt).toBe(attempt);
      const cause = new Error("socket closed");
      await event.nack({ reason: new TypeError(`failure ${attempt}`, { cause }) });
    }
    expect(await group.receive()).toEqual([]);
    const letters = await queue.deadLetters.list();
    expect(letters).toMatchObject([
      {
        id: sent.id,
        group: "mailer",
        type: PLACED,
        payload: { n: 1 },
        position: sent.position,
        key: "k",
        headers: { tenant: "acme" },
        attempts: 3,
        error: { name: "TypeError", message: "failure 3", cause: { name: "Error" } },
        history: [
          { attempt: 1, message: "failure 1" },
          { attempt: 2, message: "failure 2" },
          { attempt: 3, message: "failure 3" },
        ],
      },
    ]);
    expect(letters[0]?.error.stack).toContain("failure 3");
    // Everybody who can read the queue reads it.
    expect(JSON.stringify(letters)).not.toContain("socket closed");
    expect(letters[0]?.time).toBeGreaterThan(sent.storedAt - 1);
  });

  test("a nack without a reason makes a dead letter all the same", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    await (await receiveOne(queue.group("mailer", { maxAttempts: 1 }))).nack();
    expect((await queue.deadLetters.list())[0]?.error.message).not.toBe("");
  });

  test("a nack for a permanent reason makes a dead letter at once", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    const event = await receiveOne(queue.group("mailer"));
    expect(await event.nack({ reason: new PermanentError("Unknown customer") })).toBe(true);
    expect(await queue.deadLetters.list()).toMatchObject([
      { attempts: 1, error: { name: "PermanentError", code: "PERMANENT" } },
    ]);
  });

  test("an event whose last lease runs out is a dead letter at the next claim", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer", { maxAttempts: 2 });
    expect((await receiveOne(group, 20)).attempt).toBe(1);
    expect((await receiveOne(group, 20)).attempt).toBe(2);
    await sleep(300);
    expect(await group.receive()).toEqual([]);
    expect(await queue.deadLetters.list()).toMatchObject([
      { attempts: 2, error: { code: "LEASE_EXPIRED" }, payload: { n: 1 } },
    ]);
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, deadLetters: 1 });
  });

  test("dead letters are listed oldest first and filtered by every field", async (lab) => {
    const queue = lab.open();
    const first = await bury(queue, "mailer", PLACED);
    await sleep(20);
    const second = await bury(queue, "mailer", PAID);
    const third = await bury(queue, "ledger", PLACED, { from: "now" });
    const ids = async (filter: object): Promise<string[]> =>
      (await queue.deadLetters.list(filter)).map(({ id }) => id);
    expect(await ids({})).toEqual([first, second, third]);
    expect(await ids({ id: second })).toEqual([second]);
    expect(await ids({ group: "mailer" })).toEqual([first, second]);
    expect(await ids({ type: PLACED })).toEqual([first, third]);
    expect(await ids({ group: "mailer", type: PLACED })).toEqual([first]);
    expect(await ids({ limit: 2 })).toEqual([first, second]);
    const time = (await queue.deadLetters.list({ id: second }))[0]?.time ?? 0;
    expect(await ids({ since: time })).toEqual([second, third]);
    expect(await ids({ until: new Date(time) })).toEqual([first]);
    expect(await ids({ group: "nobody" })).toEqual([]);
  });

  test("redrive gives a dead letter back to the group that failed, and to no other", async (lab) => {
    const queue = lab.open();
    const id = await bury(queue, "mailer", PLACED);
    const ledger = queue.group("ledger");
    for (const event of await receiveAll(ledger)) await event.ack();
    expect(await queue.deadLetters.redrive({ id })).toEqual({ count: 1 });
    const again = await receiveOne(queue.group("mailer"));
    expect(again).toMatchObject({ id, attempt: 1, redelivered: true });
    expect(await again.ack()).toBe(true);
    expect(await ledger.receive()).toEqual([]);
    expect(await queue.deadLetters.list()).toEqual([]);
    expect(await queue.deadLetters.redrive({ id })).toEqual({ count: 0 });
  });

  test("redrive wakes whoever waits", async (lab) => {
    const queue = lab.open();
    const id = await bury(queue, "mailer", PLACED);
    const waiting = receiveOne(queue.group("mailer"));
    await sleep(30);
    await queue.deadLetters.redrive({ id });
    expect((await waiting).id).toBe(id);
  });

  test("what fails again after a redrive is a dead letter again, once", async (lab) => {
    const queue = lab.open();
    const id = await bury(queue, "mailer", PLACED);
    await queue.deadLetters.redrive({ id });
    const again = await receiveOne(queue.group("mailer"));
    await again.nack({ reason: new PermanentError("still no") });
    const letters = await queue.deadLetters.list();
    expect(letters).toMatchObject([{ id, attempts: 1, error: { message: "still no" } }]);
  });

  test("redrive and discard take a filter and a limit", async (lab) => {
    const queue = lab.open();
    const first = await bury(queue, "mailer", PLACED);
    const second = await bury(queue, "mailer", PLACED);
    const third = await bury(queue, "mailer", PAID);
    expect(await queue.deadLetters.redrive({ type: PLACED, limit: 1 })).toEqual({ count: 1 });
    expect((await receiveOne(queue.group("mailer"))).id).toBe(first);
    expect(await queue.deadLetters.discard({ type: PAID })).toEqual({ count: 1 });
    const left = (await queue.deadLetters.list()).map(({ id }) => id);
    expect(left).toEqual([second]);
    expect(left).not.toContain(third);
  });

  test("a dry run counts and changes nothing", async (lab) => {
    const queue = lab.open();
    await bury(queue, "mailer", PLACED);
    await bury(queue, "mailer", PLACED);
    expect(await queue.deadLetters.redrive({ dryRun: true })).toEqual({ count: 2 });
    expect(await queue.deadLetters.discard({ dryRun: true })).toEqual({ count: 2 });
    expect(await queue.deadLetters.list()).toHaveLength(2);
    expect(await queue.group("mailer").receive()).toEqual([]);
  });

  test("what is discarded is gone for good", async (lab) => {
    const queue = lab.open();
    await bury(queue, "mailer", PLACED);
    expect(await queue.deadLetters.discard({})).toEqual({ count: 1 });
    expect(await queue.deadLetters.list()).toEqual([]);
    expect(await queue.group("mailer").receive()).toEqual([]);
    expect(await queue.stats()).toMatchObject({ deadLetters: 0, events: 1 });
  });

  test("whoever listens is told of each dead letter, however it came to be one", async (lab) => {
    const queue = lab.open();
    const told: DeadLetterNotice[] = [];
    const stop = queue.deadLetters.onLetter((notice) => told.push(notice));
    const [nacked, died] = await queue.sendMany([
      { type: PLACED, payload: { n: 1 } },
      { type: PLACED, payload: { n: 2 } },
    ]);
    const group = queue.group("mailer", { maxAttempts: 1, leaseMs: 300 });
    const [first] = await group.receive();
    await first?.nack({ reason: new TypeError("no such address") });
    expect(told).toMatchObject([
      { group: "mailer", id: nacked?.id, type: PLACED, attempts: 1, error: { name: "TypeError" } },
    ]);
    // Its lease runs out: as if its process had ended.
    await until("the other one is buried", async () => {
      await group.receive();
      return told.length === 2;
    });
    expect(told[1]).toMatchObject({ id: died?.id, error: { code: "LEASE_EXPIRED" } });
    stop();
    await queue.send(PLACED, { n: 3 });
    await (await receiveOne(group)).nack({ reason: new PermanentError("no") });
    expect(told).toHaveLength(2);
  });

  test("without a listener a few dead letters are warned of, and the rest is counted", async (lab) => {
    const queue = lab.open();
    const warned: string[] = [];
    const hear = (warning: Error & { code?: string }): void => {
      if (warning.code === "RINGRIFT_DEAD_LETTER" && /"giver-up"/.test(warning.message)) {
        warned.push(warning.message);
      }
    };
    process.on("warning", hear);
    try {
      await sendNumbered(queue, PLACED, 20);
      for (const event of await queue.group("giver-up").receive()) {
        await event.nack({ reason: new PermanentError("x is undefined") });
      }
      await until("warnings have come", () => warned.length > 0);
      await sleep(20);
    } finally {
      process.off("warning", hear);
    }
    expect(warned.length).toBeLessThan(10);
    expect(warned[0]).toMatch(/gave up on .* at attempt 1.*x is undefined/);
    expect((await queue.deadLetters.list()).length).toBe(20);
  });

  test("health names the groups that have dead letters, and is ok all the same", async (lab) => {
    const queue = lab.open();
    queue.deadLetters.onLetter(() => {});
    await sendNumbered(queue, PLACED, 2);
    for (const event of await queue.group("mailer").receive()) {
      await event.nack({ reason: new PermanentError("no") });
    }
    const { ok, problems } = await queue.health();
    expect(ok).toBe(true);
    expect(problems).toMatchObject([
      {
        code: "DEAD_LETTERS",
        severity: "warning",
        subject: "mailer",
        message: expect.stringContaining("2 events"),
        action: expect.stringContaining("redrive"),
      },
    ]);
    await queue.deadLetters.discard({});
    expect((await queue.health()).problems).toEqual([]);
  });

  test("a failed attempt is told on a diagnostics channel, and whether it is tried again", async (lab) => {
    const queue = lab.open();
    queue.deadLetters.onLetter(() => {});
    const sent = await queue.send(PLACED, { n: 1 });
    const heard: FailedAttempt[] = [];
    const hear = (message: unknown): void => {
      // The cast is safe: it is what the channel is for.
      const attempt = message as FailedAttempt;
      if (attempt.event.id === sent.id) heard.push(attempt);
    };
    subscribe("ringrift.attempt.failed", hear);
    try {
      queue.consume({ group: "mailer", maxAttempts: 2, backoff: SOON }, () => {
        throw new TypeError("x is undefined");
      });
      await until("it is a dead letter", async () => (await queue.deadLetters.list()).length === 1);
    } finally {
      unsubscribe("ringrift.attempt.failed", hear);
    }
    expect(heard).toMatchObject([
      { group: "mailer", attempt: 1, willRetry: true, error: { message: "x is undefined" } },
      { group: "mailer", attempt: 2, willRetry: false },
    ]);
  });
}

/** Sends an event and has a group give up on it; gives its id. */
async function bury(
  queue: EventQueue,
  group: string,
  type: string,
  policy: { readonly from?: "now" } = {},
): Promise<string> {
  const member = queue.group(group, policy);
  await member.ensure();
  const { id } = await queue.send(type, {});
  const event = await receiveOne(member);
  await event.nack({ reason: new PermanentError("no use") });
  return id;
}
