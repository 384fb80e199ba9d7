import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
import {
  expectCode,
  numbersOf,
  PLACED,
  receiveOne,
  sendNumbered,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";

export function closing(test: TestCase): void {
  test("a closed queue refuses every call with QUEUE_CLOSED", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer");
    const leased = await receiveOne(group);
    await queue.close();
    const calls: readonly (() => unknown)[] = [
      () => queue.send(PLACED, {}),
      () => queue.sendMany([{ type: PLACED, payload: {} }]),
      () => queue.receive(),
      () => queue.history(),
      () => queue.id(),
      () => queue.stats(),
      () => queue.health(),
      () => queue.stream(),
      () => queue.consume({ group: "mailer" }, () => {}),
      () => queue.groups.list(),
      () => queue.groups.claim("x", { holder: "y" }),
      () => queue.deadLetters.list(),
      () => queue.deadLetters.redrive({}),
      () => group.receive(),
      () => group.ensure(),
      () => leased.ack(),
    ];
    for (const call of calls) await expectCode(call, "QUEUE_CLOSED");
  });

  test("close is idempotent, also at once and before first use", async (lab) => {
    const queue = lab.open();
    await Promise.all([queue.close(), queue.close()]);
    await queue.close();
    await queue[Symbol.asyncDispose]();
  });

  test("close ends waits with QUEUE_CLOSED", async (lab) => {
    const queue = lab.open();
    const waits = [
      queue.receive({ waitMs: 120_000 }),
      queue.group("mailer").receive({ waitMs: 120_000 }),
    ].map((wait) => expectCode(() => wait, "QUEUE_CLOSED"));
    await sleep(30);
    await queue.close();
    await Promise.all(waits);
  });

  test("close stops consumers", async (lab) => {
    const queue = lab.open();
    const consumers = [1, 2, 3].map(() => queue.consume({ group: "mailer" }, () => {}));
    await queue.close();
    for (const consumer of consumers) {
      expect(consumer.stats().state).toBe("stopped");
      expect(await consumer.ended).toBeUndefined();
    }
  });

  test(
    "sends while the queue is closed are either stored or refused",
    async (lab) => {
      const queue = lab.open();
      const sends = Array.from({ length: 50 }, (_, n) =>
        queue.send(PLACED, { n }).then(
          ({ id }) => id,
          (error: { code: string }) => error.code,
        ),
      );
      await queue.close();
      const results = await Promise.all(sends);
      const stored = (await lab.open().history()).map(({ id }) => id);
      for (const result of results) {
        if (result !== "QUEUE_CLOSED") expect(stored).toContain(result);
      }
      const refused = results.filter((result) => result === "QUEUE_CLOSED");
      expect(stored.length + refused.length).toBe(50);
    },
    ["persistent"],
  );

  test(
    "events, cursors, retries and dead letters outlive the instance",
    async (lab) => {
      const queue = lab.open();
      await sendNumbered(queue, PLACED, 4);
      const group = queue.group("mailer", { maxAttempts: 3, backoff: { initialMs: 1, maxMs: 1 } });
      const [acked, nacked, dead] = await group.receive({ limit: 3 });
      await acked?.ack();
      await nacked?.nack({ reason: new Error("once") });
      await dead?.nack({ reason: new PermanentError("no") });
      const before = await queue.history();
      await queue.close();

      const again = lab.open();
      expect(await again.history()).toEqual(before);
      expect(await again.deadLetters.list()).toMatchObject([{ id: dead?.id, attempts: 1 }]);
      const member = again.group("mailer");
      expect(await member.ensure()).toMatchObject({ created: false, maxAttempts: 3, pending: 2 });
      const events = [await receiveOne(member), await receiveOne(member)];
      expect(numbersOf(events).toSorted((a, b) => a - b)).toEqual([2, 4]);
      expect(events.find(({ id }) => id === nacked?.id)).toMatchObject({ attempt: 2 });
    },
    ["persistent"],
  );

  test(
    "what was leased and not settled is delivered again when its lease runs out",
    async (lab) => {
      const queue = lab.open();
      await queue.send(PLACED, { n: 1 });
      const leased = await receiveOne(queue.group("mailer"), 300);
      await queue.close();
      const again = await receiveOne(lab.open().group("mailer"));
      expect(again).toMatchObject({ id: leased.id, attempt: 2, redelivered: true });
    },
    ["persistent"],
  );

  test(
    "a dedupe key and an id are remembered by the next instance",
    async (lab) => {
      const queue = lab.open();
      const first = await queue.send(PLACED, { n: 1 }, { dedupeKey: "order-1" });
      await queue.close();
      const again = lab.open();
      const second = await again.send(PLACED, { n: 2 }, { dedupeKey: "order-1" });
      expect(second).toEqual({ ...first, duplicate: true });
    },
    ["persistent"],
  );

  test(
    "positions go on where they were",
    async (lab) => {
      const queue = lab.open();
      await sendNumbered(queue, PLACED, 3);
      const last = (await queue.history()).at(-1);
      await queue.close();
      const next = await lab.open().send(PLACED, { n: 4 });
      expect(next.position).toBeGreaterThan(last?.position ?? Number.POSITIVE_INFINITY);
    },
    ["persistent"],
  );

  test("a queue has an id of its own", async (lab) => {
    const queue = lab.open();
    const id = await queue.id();
    expect(id).toMatch(/^[A-Za-z0-9-]{8,40}$/);
    expect(await queue.id()).toBe(id);
    const other = await lab.openAnother();
    expect(await other.id()).not.toBe(id);
  });

  test(
    "all instances of a queue know it by one id, those included that ask at once",
    async (lab) => {
      const ids = await Promise.all([1, 2, 3].map(() => lab.open().id()));
      expect(new Set(ids).size).toBe(1);
      expect(await lab.open().id()).toBe(ids[0]);
    },
    ["multipleInstances"],
  );

  test(
    "a queue's id outlives the instance",
    async (lab) => {
      const queue = lab.open();
      const id = await queue.id();
      await queue.close();
      const again = lab.open();
      await again.send(PLACED, { n: 1 });
      expect(await again.id()).toBe(id);
    },
    ["persistent"],
  );

  test("stats count what is there and what this instance did", async (lab) => {
    const queue = lab.open();
    const [first, second] = await queue.sendMany([
      { type: PLACED, payload: { n: 1 } },
      { type: PLACED, payload: { n: 2 } },
    ]);
    await queue.receive({ limit: 1 });
    const [leased] = await queue.group("mailer").receive();
    await leased?.nack({ reason: new PermanentError("no") });
    expect(await queue.stats()).toEqual({
      events: 2,
      oldestPosition: first?.position,
      newestPosition: second?.position,
      delayed: 0,
      groups: 1,
      deadLetters: 1,
      sent: 2,
      duplicates: 0,
      received: 3,
      dropped: {},
    });
  });

  test("a queue in order is healthy and says what it is", async (lab) => {
    const health = await lab.open().health();
    expect(health).toMatchObject({ ok: true, problems: [] });
    expect(health.backend).toMatch(/\w/);
  });

  test(
    "events older than retentionMs go when every group has settled them, and are counted",
    async (lab) => {
      const queue = lab.open({ retentionMs: 100 });
      const group = queue.group("mailer");
      await group.ensure();
      await sendNumbered(queue, PLACED, 4);
      const [first, second, third] = await group.receive({ limit: 3 });
      await first?.ack();
      await second?.ack();
      await sleep(150);
      await queue.send(PLACED, { n: 5 });
      await until("the settled ones are gone", async () => (await queue.stats()).events === 3);
      await sleep(150);
      expect(numbersOf(await queue.history())).toEqual([3, 4, 5]);
      expect((await queue.stats()).dropped["retention"]).toBe(2);
      expect(await third?.ack()).toBe(true);
      expect(numbersOf(await group.receive())).toEqual([4, 5]);
    },
    ["retention"],
  );

  test(
    "a dead letter survives retention and can be redriven",
    async (lab) => {
      const queue = lab.open({ retentionMs: 100 });
      const sent = await queue.send(PLACED, { n: 1 });
      const group = queue.group("mailer");
      await (await receiveOne(group)).nack({ reason: new PermanentError("no") });
      await sleep(150);
      await queue.send(PLACED, { n: 2 });
      await until("the event is gone", async () => {
        const [oldest] = await queue.history();
        return oldest?.id !== sent.id;
      });
      expect(await queue.deadLetters.list()).toMatchObject([{ id: sent.id, payload: { n: 1 } }]);
      await queue.deadLetters.redrive({});
      const ids = new Set([(await receiveOne(group)).id, (await receiveOne(group)).id]);
      expect(ids).toContain(sent.id);
    },
    ["retention"],
  );
}
