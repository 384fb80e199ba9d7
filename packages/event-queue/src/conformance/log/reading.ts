import { expect } from "vitest";
import {
  expectCode,
  numbersOf,
  PAID,
  PLACED,
  sendNumbered,
  sleep,
  type TestCase,
} from "../harness/suite.ts";

export function reading(test: TestCase): void {
  test("receive gives every retained event once, in position order", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const events = await queue.receive();
    expect(numbersOf(events)).toEqual([1, 2, 3]);
    expect(events[0]).toMatchObject({ attempt: 0, redelivered: false });
    expect(events[0]).not.toHaveProperty("ack");
    expect(await queue.receive()).toEqual([]);
    await queue.send(PLACED, { n: 4 });
    expect(numbersOf(await queue.receive())).toEqual([4]);
  });

  test("receive gives at most limit events and goes on where it was", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 5);
    expect(numbersOf(await queue.receive({ limit: 2 }))).toEqual([1, 2]);
    expect(numbersOf(await queue.receive({ limit: 2 }))).toEqual([3, 4]);
    expect(numbersOf(await queue.receive({ limit: 2 }))).toEqual([5]);
  });

  test("receive gives the types asked for, and leaves the others for later", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await queue.send(PAID, { n: 2 });
    await queue.send(PLACED, { n: 3 });
    expect(numbersOf(await queue.receive({ eventTypes: [PAID] }))).toEqual([2]);
    expect(numbersOf(await queue.receive({ eventTypes: [PAID] }))).toEqual([]);
    expect(numbersOf(await queue.receive({ eventTypes: [PLACED] }))).toEqual([1, 3]);
  });

  test("questions that overlap give no event twice", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await queue.send(PAID, { n: 2 });
    expect(numbersOf(await queue.receive({ eventTypes: [PLACED] }))).toEqual([1]);
    await queue.send(PLACED, { n: 3 });
    expect(numbersOf(await queue.receive())).toEqual([2, 3]);
    expect(await queue.receive({ eventTypes: [PAID, PLACED] })).toEqual([]);
    await queue.send(PAID, { n: 4 });
    expect(numbersOf(await queue.receive({ eventTypes: [PAID, PLACED] }))).toEqual([4]);
  });

  test("calls at once give no event twice and leave none out", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 20);
    const parts = await Promise.all(Array.from({ length: 5 }, () => queue.receive({ limit: 4 })));
    expect(numbersOf(parts.flat()).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  test("receive begins where from says, the first time it asks for a type", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    expect(await queue.receive({ from: "now" })).toEqual([]);
    await queue.send(PLACED, { n: 2 });
    expect(numbersOf(await queue.receive({ from: "beginning" }))).toEqual([2]);
  });

  test("a position to begin at is inclusive", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const second = (await queue.history())[1];
    const events = await queue.receive({ from: { position: second?.position ?? 0 } });
    expect(numbersOf(events)).toEqual([2, 3]);
  });

  test("a time to begin at is when the log stored the event", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await sleep(20);
    const second = await queue.send(PLACED, { n: 2 });
    const events = await queue.receive({ from: { time: second.storedAt } });
    expect(numbersOf(events)).toEqual([2]);
  });

  test("a time that looks like seconds is refused", async (lab) => {
    const time = Math.floor(Date.now() / 1000);
    await expectCode(() => lab.open().receive({ from: { time } }), "INVALID_TIME");
  });

  test(
    "every instance has a reader of its own",
    async (lab) => {
      const first = lab.open();
      await sendNumbered(first, PLACED, 3);
      const second = lab.open();
      expect(numbersOf(await first.receive())).toEqual([1, 2, 3]);
      expect(numbersOf(await second.receive())).toEqual([1, 2, 3]);
    },
    ["multipleInstances"],
  );

  test("a waiting receive wakes when an event is sent", async (lab) => {
    const queue = lab.open();
    const waiting = queue.receive({ eventTypes: [PAID], waitMs: 120_000 });
    await sleep(30);
    await queue.send(PLACED, { n: 1 });
    const started = performance.now();
    await queue.send(PAID, { n: 2 });
    expect(numbersOf(await waiting)).toEqual([2]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test(
    "a waiting receive wakes when another instance sends",
    async (lab) => {
      const receiver = lab.open();
      const sender = lab.open();
      const waiting = receiver.receive({ waitMs: 120_000 });
      await sleep(30);
      const started = performance.now();
      await sender.send(PLACED, { n: 1 });
      expect(numbersOf(await waiting)).toEqual([1]);
      expect(performance.now() - started).toBeLessThan(10_000);
    },
    ["multipleInstances"],
  );

  test("a wait that ends without events gives none", async (lab) => {
    const queue = lab.open();
    const started = performance.now();
    expect(await queue.receive({ waitMs: 100 })).toEqual([]);
    expect(performance.now() - started).toBeGreaterThan(80);
  });

  test("a signal ends a wait with its reason", async (lab) => {
    const queue = lab.open();
    const controller = new AbortController();
    const waiting = queue.receive({ waitMs: 120_000, signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(queue.receive({ signal: controller.signal })).rejects.toBe(reason);
  });

  test("an aborted wait loses nothing", async (lab) => {
    const queue = lab.open();
    const controller = new AbortController();
    const waiting = queue.receive({ waitMs: 120_000, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toThrow(Error);
    await queue.send(PLACED, { n: 1 });
    expect(numbersOf(await queue.receive())).toEqual([1]);
  });

  const malformed: readonly (readonly [string, object])[] = [
    ["a limit of 0", { limit: 0 }],
    ["a limit of infinity", { limit: Number.POSITIVE_INFINITY }],
    ["a negative wait", { waitMs: -1 }],
    ["an empty list of types", { eventTypes: [] }],
    ["an option that doesn't exist", { eventType: PLACED }],
  ];
  for (const [name, options] of malformed) {
    test(`receive refuses ${name}`, async (lab) => {
      await expectCode(() => lab.open().receive(options), "INVALID_OPTION");
    });
  }

  test("history reads in position order without any effect", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    await queue.group("mailer").ensure();
    expect(numbersOf(await queue.history())).toEqual([1, 2, 3]);
    expect(numbersOf(await queue.history())).toEqual([1, 2, 3]);
    expect(numbersOf(await queue.receive())).toEqual([1, 2, 3]);
    expect((await queue.groups.list())[0]?.pending).toBe(3);
  });

  test("history is filtered by type, position, time and limit", async (lab) => {
    const queue = lab.open();
    const one = await queue.send(PLACED, { n: 1 });
    await queue.send(PAID, { n: 2 });
    await sleep(20);
    const three = await queue.send(PLACED, { n: 3 });
    await queue.send(PLACED, { n: 4 });
    expect(numbersOf(await queue.history({ eventTypes: [PLACED] }))).toEqual([1, 3, 4]);
    expect(numbersOf(await queue.history({ after: one.position }))).toEqual([2, 3, 4]);
    expect(numbersOf(await queue.history({ limit: 2 }))).toEqual([1, 2]);
    expect(numbersOf(await queue.history({ since: three.storedAt }))).toEqual([3, 4]);
    expect(numbersOf(await queue.history({ since: new Date(three.storedAt) }))).toEqual([3, 4]);
    expect(numbersOf(await queue.history({ until: three.storedAt }))).toEqual([1, 2]);
  });

  test("history refuses a time that looks like seconds", async (lab) => {
    await expectCode(() => lab.open().history({ since: 1_700_000_000 }), "INVALID_TIME");
  });
}
