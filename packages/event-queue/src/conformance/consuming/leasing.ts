import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
import {
  numbersOf,
  PAID,
  PLACED,
  receiveAll,
  receiveOne,
  sendNumbered,
  sleep,
  type TestCase,
} from "../harness/suite.ts";

const SOON = { initialMs: 1, maxMs: 1 };

export function leasing(test: TestCase): void {
  test("receive leases events in position order, at their first attempt", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const events = await queue.group("mailer").receive();
    expect(numbersOf(events)).toEqual([1, 2, 3]);
    for (const event of events) {
      expect(event).toMatchObject({ attempt: 1, redelivered: false });
      expect(event.leaseUntil).toBeGreaterThan(event.storedAt);
    }
  });

  test("receive gives at most limit events", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 5);
    const group = queue.group("mailer");
    expect(numbersOf(await group.receive({ limit: 2 }))).toEqual([1, 2]);
    expect(numbersOf(await group.receive({ limit: 2 }))).toEqual([3, 4]);
  });

  test("receive with a group is the group's receive", async (lab) => {
    const queue = lab.open();
    await queue.send(PAID, { n: 1 });
    await queue.send(PLACED, { n: 2 });
    const [event] = await queue.receive({ group: "mailer", eventTypes: [PLACED] });
    expect(event?.payload).toEqual({ n: 2 });
    expect(await event?.ack()).toBe(true);
    expect(await queue.receive({ group: "mailer" })).toEqual([]);
  });

  test("a leased event is given to nobody else, and an acked one never again", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const group = queue.group("mailer", { leaseMs: 60_000 });
    const [first, second] = await group.receive();
    expect(await group.receive()).toEqual([]);
    expect(await first?.ack()).toBe(true);
    expect(await second?.ack()).toBe(true);
    expect(await group.receive()).toEqual([]);
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, inFlight: 0 });
  });

  test("acks may come in any order", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const group = queue.group("mailer", { backoff: SOON });
    const [first, second, third] = await group.receive();
    expect(await third?.ack()).toBe(true);
    expect(await first?.ack()).toBe(true);
    await second?.nack();
    expect((await receiveOne(group)).payload).toEqual({ n: 2 });
  });

  test("two groups each get every event", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 40);
    const mailer = await receiveAll(queue.group("mailer"));
    const ledger = await receiveAll(queue.group("ledger"));
    expect(new Set(numbersOf(mailer)).size).toBe(40);
    expect(new Set(numbersOf(ledger)).size).toBe(40);
  });

  test("two members of a group share its events without overlap", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 40);
    const first = queue.group("mailer");
    const second = queue.group("mailer");
    const parts = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? first : second).receive({ limit: 4 }),
      ),
    );
    const got = parts.flatMap((events) => numbersOf(events));
    expect(got.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  test(
    "members in two instances share a group's events without overlap",
    async (lab) => {
      const first = lab.open();
      const second = lab.open();
      await sendNumbered(first, PLACED, 40);
      const parts = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 === 0 ? first : second).group("mailer").receive({ limit: 4 }),
        ),
      );
      const got = parts.flatMap((events) => numbersOf(events));
      expect(got.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    },
    ["multipleInstances"],
  );

  test("ack is idempotent, and whichever of ack and nack came first decides", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const group = queue.group("mailer", { backoff: SOON });
    const [acked, nacked] = await group.receive();
    expect(await acked?.ack()).toBe(true);
    expect(await acked?.ack()).toBe(true);
    expect(await acked?.nack()).toBe(false);
    expect(await acked?.extend(1_000)).toBe(false);
    expect(await nacked?.nack()).toBe(true);
    expect(await nacked?.ack()).toBe(false);
    expect((await receiveOne(group)).id).toBe(nacked?.id);
  });

  test("a nacked event comes again: same id, next attempt, redelivered", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer", { backoff: SOON });
    const first = await receiveOne(group);
    expect(await first.nack({ reason: new Error("no") })).toBe(true);
    const second = await receiveOne(group);
    expect(second).toMatchObject({
      id: first.id,
      position: first.position,
      payload: { n: 1 },
      attempt: 2,
      redelivered: true,
    });
  });

  test("a retry waits for its backoff and delays nobody else", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const group = queue.group("mailer", { backoff: { initialMs: 60_000, maxMs: 60_000 } });
    await (await receiveOne(group)).nack();
    expect(numbersOf(await group.receive())).toEqual([2, 3]);
    expect(await group.receive()).toEqual([]);
  });

  test("a nack's own delay takes the place of the backoff", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const group = queue.group("mailer", { backoff: { initialMs: 60_000, maxMs: 60_000 } });
    const [first, second] = await group.receive();
    await first?.nack({ delayMs: 0 });
    await second?.nack({ delayMs: 60_000 });
    expect((await receiveOne(group)).payload).toEqual({ n: 1 });
    expect(await group.receive()).toEqual([]);
  });

  test("a lease that ran out is given to the next who asks, and counted as an attempt", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer");
    const first = await receiveOne(group, 20);
    const second = await receiveOne(group);
    expect(second).toMatchObject({ id: first.id, attempt: 2, redelivered: true });
  });

  test("who lost a lease can change nothing any more, and is told so", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer", { leaseMs: 60_000, maxAttempts: 2 });
    const first = await receiveOne(group, 20);
    const second = await receiveOne(group);
    expect(await first.ack()).toBe(false);
    expect(await first.nack({ reason: new Error("late") })).toBe(false);
    expect(await first.extend(60_000)).toBe(false);
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 1, inFlight: 1 });
    expect(await queue.deadLetters.list()).toEqual([]);
    expect(await second.ack()).toBe(true);
  });

  for (const key of [undefined, "a"]) {
    const which = key === undefined ? "the next event" : "the next event of its key";
    test(`a receive that finds an event whose attempts are used up gives ${which} at once`, async (lab) => {
      const queue = lab.open();
      for (const n of [1, 2]) await queue.send(PLACED, { n }, { key });
      const group = queue.group("mailer", { maxAttempts: 1, leaseMs: 100 });
      expect(numbersOf(await group.receive({ limit: 1 }))).toEqual([1]);
      expect(await group.receive({ limit: 5, leaseMs: 60_000 })).toHaveLength(key ? 0 : 1);
      await queue.send(PLACED, { n: 3 }, { key });
      await sleep(600);
      expect(numbersOf(await group.receive())).toEqual([key ? 2 : 3]);
    });
  }

  for (const key of [undefined, "a"]) {
    const what = key === undefined ? "an event" : "an event of a key";
    test(`a late ack of ${what} counts as long as nobody else was given it`, async (lab) => {
      const queue = lab.open();
      for (const n of [1, 2]) await queue.send(PLACED, { n }, { key });
      const group = queue.group("mailer");
      // Others of its key may be looked at, too, and wait elsewhere.
      const [first] = await group.receive({ limit: key === undefined ? 1 : 10, leaseMs: 100 });
      expect(first?.payload).toEqual({ n: 1 });
      await sleep(600);
      expect(await first?.ack()).toBe(true);
      expect(await first?.ack()).toBe(true);
      expect((await queue.groups.list())[0]).toMatchObject({ pending: 1, inFlight: 0 });
      const second = await receiveOne(group);
      expect(second).toMatchObject({ payload: { n: 2 }, attempt: 1 });
      expect(await second.ack()).toBe(true);
      expect(await group.receive({ waitMs: 300 })).toEqual([]);
      expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, inFlight: 0 });
    });

    test(`a late ack of ${what} that another member was given changes nothing`, async (lab) => {
      const queue = lab.open();
      await queue.send(PLACED, { n: 1 }, { key });
      const first = await receiveOne(queue.group("mailer"), 100);
      const second = await receiveOne(queue.group("mailer"), 60_000);
      expect(second).toMatchObject({ id: first.id, attempt: 2 });
      expect(await first.ack()).toBe(false);
      expect(await second.ack()).toBe(true);
    });
  }

  for (const key of [undefined, "a"]) {
    const what = key === undefined ? "an event" : "an event of a key";
    test(`a late nack of ${what} counts as long as nobody else was given it, and so does its delay`, async (lab) => {
      const queue = lab.open();
      await queue.send(PLACED, { n: 1 }, { key });
      const group = queue.group("mailer");
      const first = await receiveOne(group, 100);
      await sleep(600);
      expect(await first.nack({ delayMs: 1_500, reason: new Error("late") })).toBe(true);
      expect(await group.receive()).toEqual([]);
      const [info] = await queue.groups.list();
      expect(info).toMatchObject({ pending: 1, inFlight: 0, retrying: 1 });
      const second = await receiveOne(group, 60_000);
      expect(second).toMatchObject({ id: first.id, attempt: 2, redelivered: true });
      expect(await first.ack()).toBe(false);
      await second.nack({ reason: new PermanentError("no") });
      const [letter] = await queue.deadLetters.list();
      expect(letter?.history.map(({ message }) => message)).toEqual(["late", "no"]);
    });

    test(`a late nack that gives ${what} up makes one dead letter, and makes room for the next one`, async (lab) => {
      const queue = lab.open();
      for (const n of [1, 2]) await queue.send(PLACED, { n }, { key });
      const group = queue.group("mailer");
      const [first] = await group.receive({ limit: 1, leaseMs: 100 });
      await sleep(600);
      expect(await first?.nack({ reason: new PermanentError("never") })).toBe(true);
      expect(await queue.deadLetters.list()).toMatchObject([{ id: first?.id, attempts: 1 }]);
      const second = await receiveOne(group, 60_000);
      expect(second).toMatchObject({ payload: { n: 2 }, attempt: 1 });
      expect(await second.ack()).toBe(true);
      expect((await queue.groups.list())[0]).toMatchObject({ pending: 0 });
    });

    test(`a late extension of ${what} holds it again, as long as nobody else was given it`, async (lab) => {
      const queue = lab.open();
      for (const n of [1, 2]) await queue.send(PLACED, { n }, { key });
      const group = queue.group("mailer");
      const [first] = await group.receive({ limit: 1, leaseMs: 100 });
      await sleep(600);
      expect(await first?.extend(60_000)).toBe(true);
      expect(first?.leaseUntil).toBeGreaterThan(Date.now() + 30_000);
      expect(numbersOf(await group.receive({ leaseMs: 60_000 }))).toEqual(key ? [] : [2]);
      expect((await queue.groups.list())[0]).toMatchObject({
        pending: 2,
        inFlight: key ? 1 : 2,
        retrying: 0,
      });
      expect(await first?.extend(60_000)).toBe(true);
      expect(await first?.ack()).toBe(true);
      if (key !== undefined) expect((await receiveOne(group)).payload).toEqual({ n: 2 });
      expect(await group.receive({ waitMs: 300 })).toEqual([]);
      expect((await queue.groups.list())[0]).toMatchObject({ pending: 1 });
    });

    test(`a lease on ${what} that is shorter than the group's ends when it says, each time`, async (lab) => {
      const queue = lab.open();
      for (const n of [1, 2, 3]) await queue.send(PLACED, { n }, { key });
      const group = queue.group("mailer", { leaseMs: 120_000 });
      // Others of its key may be looked at, too, and wait elsewhere after a while.
      const [first] = await group.receive({ limit: key === undefined ? 1 : 10 });
      await sleep(400);
      expect(await first?.ack()).toBe(true);
      for (const attempt of [1, 2, 3]) {
        const [event] = await group.receive({ limit: 1, leaseMs: 300, waitMs: 10_000 });
        expect(event).toMatchObject({ payload: { n: 2 }, attempt });
        await sleep(700);
      }
    });

    test(
      `a lease on ${what} that ran out isn't in flight any more, though nobody asks for it, also where its holder is closed`,
      async (lab) => {
        const [holder, observer] = [lab.open(), lab.open()];
        await holder.send(PLACED, { n: 1 }, { key });
        const first = await receiveOne(holder.group("mailer"), 60_000);
        await first.extend(400);
        const isInFlight = { pending: 1, inFlight: 1, retrying: 0 };
        const isWaiting = { pending: 1, inFlight: 0, retrying: 1 };
        expect((await observer.groups.list())[0]).toMatchObject(isInFlight);
        await sleep(900);
        expect((await observer.groups.list())[0]).toMatchObject(isWaiting);
        const second = await receiveOne(observer.group("mailer"), 60_000);
        expect(second).toMatchObject({ id: first.id, attempt: 2 });
        expect((await observer.groups.list())[0]).toMatchObject(isInFlight);
        await second.nack({ delayMs: 0 });
        const other = lab.open();
        expect(await receiveOne(other.group("mailer"), 1_500)).toMatchObject({ attempt: 3 });
        await other.close();
        expect((await observer.groups.list())[0]).toMatchObject(isInFlight);
        await sleep(2_000);
        expect((await observer.groups.list())[0]).toMatchObject(isWaiting);
      },
      ["multipleInstances"],
    );
  }

  test("extend moves the end of a lease", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer");
    const event = await receiveOne(group, 500);
    const before = event.leaseUntil;
    expect(await event.extend(60_000)).toBe(true);
    expect(event.leaseUntil).toBeGreaterThan(before + 30_000);
    await sleep(600);
    expect(await group.receive()).toEqual([]);
    expect(await event.ack()).toBe(true);
  });

  test("a waiting receive wakes when an event is sent", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer");
    const waiting = group.receive({ waitMs: 120_000 });
    await sleep(30);
    const started = performance.now();
    await queue.send(PLACED, { n: 1 });
    expect(numbersOf(await waiting)).toEqual([1]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("a waiting receive wakes when a retry is due, and when a lease runs out", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 1);
    const group = queue.group("mailer");
    await (await receiveOne(group)).nack({ delayMs: 50 });
    const started = performance.now();
    expect(numbersOf(await group.receive({ waitMs: 120_000, leaseMs: 50 }))).toEqual([1]);
    expect((await receiveOne(group)).attempt).toBe(3);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("an aborted wait leases nothing", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer");
    const controller = new AbortController();
    const waiting = group.receive({ waitMs: 120_000, signal: controller.signal });
    const reason = new Error("enough");
    await sleep(10);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await queue.send(PLACED, { n: 1 });
    expect(await receiveOne(group)).toMatchObject({ attempt: 1, redelivered: false });
  });
}
